/** `promise`, or a rejection with `late()` after `ms` milliseconds. The work behind `promise` goes on unwatched. */
export function inTime<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  const { promise: answer, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => reject(late()), ms);
  promise.then(resolve, reject).finally(() => clearTimeout(timer));
  return answer;
}
