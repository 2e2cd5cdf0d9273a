/**
 * Makes what calls `step` until it tells that it has come to its end. Never inside the call that asks for it, but once all
 * that runs now has run: what one step brings is worked on together, and each turn of the event loop that nothing waits
 * for lets the next one bring more. Only the first time in a turn, so that steps which ask for more do not keep everything
 * else from going on.
 */
export function createDrain(step: () => boolean): () => void {
  let isDue = false;
  let hadItsTurn = false;

  function run(): void {
    const isDone = step(); // what asks for more on the way is in this step already
    isDue = false;
    if (!isDone) drain();
  }

  function drain(): void {
    if (isDue) return;
    isDue = true;
    if (hadItsTurn) return void setImmediate(run);
    hadItsTurn = true;
    setImmediate(() => (hadItsTurn = false));
    process.nextTick(run);
  }

  return drain;
}
