/** Keeps this process from everything else for `ms`, as one that is stopped or busy. */
export function holdUp(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}
