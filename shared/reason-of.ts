/** What an error says of itself, for logs; anything can be thrown. */
export function reasonOf(error: unknown): string {
  // a host with several addresses fails with an AggregateError without a message
  if (error instanceof Error) return error.message || (error as NodeJS.ErrnoException).code || error.name;
  try {
    return String(error);
  } catch {
    return Object.prototype.toString.call(error); // not every object can be made a text
  }
}
