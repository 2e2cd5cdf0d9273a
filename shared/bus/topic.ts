/**
 * Whether `routingKey` matches a topic pattern as RabbitMQ matches it: words separated by dots,
 * `*` is exactly one word, `#` is any number of words, none included.
 */
export function topicMatches(pattern: string, routingKey: string): boolean {
  return wordsMatch(pattern.split("."), routingKey === "" ? [] : routingKey.split("."));
}

function wordsMatch(pattern: string[], words: string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined || (first === "" && rest.length === 0)) return words.length === 0;
  if (first === "#") return wordsMatch(rest, words) || (words.length > 0 && wordsMatch(pattern, words.slice(1)));
  if (words.length === 0) return false;
  return (first === "*" || first === words[0]) && wordsMatch(rest, words.slice(1));
}
