let turn: Promise<void> | undefined;

/**
 * Resolves, for all who wait, once this turn of the event loop has brought what it brings. A step that begins here is done
 * for all of them in a row, while its code and data are at hand, and what they then send wakes the process at the other
 * end once; done one by one, each step would begin cold. Costs some microseconds where nobody else is under way.
 */
export function nextTurn(): Promise<void> {
  turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = undefined;
      resolve();
    });
  });
  return turn;
}

let left: (() => void)[] = [];

/** Does `work` after this turn of the event loop, in a row with what others have left for then. It may not throw. */
export function afterTurn(work: () => void): void {
  if (left.push(work) > 1) return;
  setImmediate(() => {
    const works = left;
    left = [];
    for (const each of works) each();
  });
}
