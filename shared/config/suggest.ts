/**
 * The candidate that `word` is most likely a slip of, or undefined when none is close. Case and the ways of joining
 * words (`appSecret`, `app_secret`, `app-secret`) count for nothing.
 */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  const distances = candidates.map((candidate) => ({
    candidate,
    distance: editDistance(plain(word), plain(candidate)),
  }));
  const nearest = distances.sort((a, b) => a.distance - b.distance)[0];
  const allowed = Math.max(1, Math.floor(word.length / 4));
  return nearest && nearest.distance <= allowed ? nearest.candidate : undefined;
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, "");
}

/** Levenshtein's distance, where two neighbours that changed places count as one edit. */
function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[column - 2] ?? 0) + 1 : Infinity,
      );
    }
    before = previous;
    previous = current;
  }
  return previous[to.length] ?? 0;
}
