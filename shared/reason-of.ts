/** What an error says of itself, for logs; anything can be thrown, and a message can be anything. */
export function reasonOf(error: unknown): string {
  const said = error instanceof Error ? saidBy(error) : error;
  try {
    return String(said);
  } catch {
    return Object.prototype.toString.call(said); // not every object can be made a text
  }
}

/** A host with several addresses fails with an AggregateError without a message. */
function saidBy(error: NodeJS.ErrnoException): unknown {
  return error.message || error.code || error.name;
}
