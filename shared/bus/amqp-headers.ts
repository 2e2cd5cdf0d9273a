import { header } from "../headers.ts";

type Headers = Record<string, unknown>;

const names = Object.values(header);
/** Every header of the contract, as the message before had it; amqplib leaves out what is undefined. */
const reused = Object.assign(
  Object.create(null),
  Object.fromEntries(names.map((name) => [name, undefined])),
) as Headers;

/**
 * The same headers in an object that is used again and again, for amqplib to encode at once. It makes what it is given a
 * prototype, and V8 takes longer to turn a new object into one than to encode all the rest of a message. Headers that
 * are not the contract's come back in their own object.
 */
export function reuseHeaders(headers: Headers | undefined): Headers | undefined {
  if (headers === undefined) return undefined;
  for (const name in headers) if (!(name in reused)) return headers;
  for (const name of names) reused[name] = headers[name];
  return reused;
}
