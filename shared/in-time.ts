/**
 * `promise`, or a rejection with `late()` after `ms` milliseconds. What has come by then is read first, should this process
 * have been held up for so long. The work behind `promise` goes on unwatched.
 */
export function inTime<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  const { promise: answer, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => setImmediate(() => reject(late())), ms);
  promise.then(resolve, reject).finally(() => clearTimeout(timer));
  return answer;
}
