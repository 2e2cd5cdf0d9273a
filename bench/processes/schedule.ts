/** When each push is due, in ms since the beginning. */
export interface Schedule {
  /** When push `index` may be sent, seen from `now`; undefined when it is not to be sent any more. */
  dueAt(index: number, now: number): number | undefined;
}

/** As soon as a connection is free, for `ms`. */
export function backToBack(count: number, ms: number): Schedule {
  return { dueAt: (index, now) => (index < count && now < ms ? now : undefined) };
}

/**
 * `rate` a second for `ms`, independent of one another as users are (a Poisson process), and whatever the answers take:
 * a push that finds no free connection is late from the moment it was due.
 */
export function paced(count: number, ms: number, rate: number): Schedule {
  const due: number[] = [];
  for (let at = nextGap(rate); at < ms && due.length < count; at += nextGap(rate)) due.push(at);
  return { dueAt: (index) => due[index] };
}

function nextGap(rate: number): number {
  return (-Math.log(1 - Math.random()) / rate) * 1000;
}
