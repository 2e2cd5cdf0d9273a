import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createCredentialStore, type Credential } from "../../../shared/api/credential-store.ts";
import { createKeptLog } from "./api-server.ts";

const expire = Math.floor(Date.now() / 1000) + 100;

function createStore(
  fetch: (force: boolean) => Promise<Credential>,
  write: () => Promise<void> = async () => undefined,
) {
  const file = { read: async () => undefined, write };
  return createCredentialStore({ name: "ticket", file, fetch, log: createKeptLog().log });
}

test("a value dropped while it is being written is given to those who asked before, and no further", async () => {
  let n = 0;
  const store = createStore(
    async () => ({ value: `V${++n}`, expire }),
    async () => store.drop("V1"),
  );
  assert.equal(await store.get(), "V1");
  assert.equal(await store.get(), "V2");
});

test("a file that hangs holds up only those who wait for the writing", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const store = createStore(
    async () => ({ value: "V", expire }),
    () => promise,
  );
  await assert.rejects(store.get(Date.now() + 50), { code: "API_UNREACHABLE", message: /^no ticket in \d+ ms$/ });
  assert.equal(await store.get(), "V");
  resolve();
});

test("a late drop of an older value leaves the newer one alone", async () => {
  let n = 0;
  const store = createStore(() => sleep(5, { value: `V${++n}`, expire }));
  await store.get();
  store.drop("V1");
  const renewal = store.get();
  store.drop("V1");
  assert.equal(await renewal, "V2");
  store.drop("V1");
  assert.equal(await store.get(), "V2");
  assert.equal(n, 2);
});
