/** How a topic pattern for routing keys is written, such as `msg.*` or `event.CLICK`. */
export const topicPattern = String.raw`^([\w-]+|\*|#)(\.([\w-]+|\*|#))*$`;

/**
 * Whether `routingKey` matches a topic pattern as RabbitMQ matches it: words separated by dots,
 * `*` is exactly one word, `#` is any number of words, none included.
 */
export function topicMatches(pattern: string, routingKey: string): boolean {
  return wordsMatch(wordsOf(pattern), wordsOf(routingKey));
}

/** An empty key has no word at all; two dots in a row, or one at an end, have an empty word beside them. */
function wordsOf(key: string): string[] {
  return key === "" ? [] : key.split(".");
}

function wordsMatch(pattern: string[], words: string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return words.length === 0;
  if (first === "#") return wordsMatch(rest, words) || (words.length > 0 && wordsMatch(pattern, words.slice(1)));
  if (words.length === 0) return false;
  return (first === "*" || first === words[0]) && wordsMatch(rest, words.slice(1));
}
