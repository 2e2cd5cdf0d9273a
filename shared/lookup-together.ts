import { lookup } from "node:dns";
import type { LookupFunction } from "node:net";

type Told = Parameters<LookupFunction>[2];

const waiting = new Map<string, Told[]>();

/**
 * Looks a host name up as Node does by default, once for all who ask for the same one meanwhile. libuv looks up few names
 * at a time and never gives one up: a backend whose name server is silent would else, by a lookup for each push, keep
 * the names of all other backends and of WeChat's API waiting for minutes.
 */
export const lookupTogether: LookupFunction = (hostname, options, callback) => {
  const key = JSON.stringify([hostname, options]);
  const all = waiting.get(key) ?? [];
  all.push(callback);
  if (all.length > 1) return;
  waiting.set(key, all);
  lookup(hostname, options, (...found) => {
    waiting.delete(key);
    for (const told of all) told(...found);
  });
};
