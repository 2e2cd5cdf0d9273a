/** What an error says of itself, for logs; anything can be thrown. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // a host with several addresses fails with an AggregateError without a message
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}
