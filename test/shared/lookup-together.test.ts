import assert from "node:assert/strict";
import { test } from "node:test";
import { promisify } from "node:util";
import { createBackendClient } from "../../dispatcher/backend-client.ts";
import { callBackend } from "../../gateway/redirect.ts";
import { createWechatApis } from "../../shared/api/wechat-apis.ts";
import { lookupTogether } from "../../shared/lookup-together.ts";
import { createBackend } from "../support/backend-server.ts";
import { countLookups } from "../support/lookups.ts";
import { createKeptLog } from "./api/api-server.ts";
import { configOf, service } from "./config/sample-config.ts";

const host = "localhost";
const many = Array.from({ length: 20 }, (_, n) => n);
const lookup = promisify(lookupTogether);

test("who asks for a name while it is looked up gets the same answer, and who asks later a new one", async (t) => {
  const count = countLookups(t, host);
  const found = await Promise.all(many.map(() => lookup(host, { family: 4 })));
  assert.deepEqual(new Set(found), new Set(["127.0.0.1"]));
  assert.equal(count(), 1);
  await lookup(host, { family: 4 });
  assert.equal(count(), 2);
});

test("a name that there is not, for all who ask", async () => {
  const asked = await Promise.allSettled(many.map(() => lookup("x".repeat(300), {})));
  for (const { status } of asked) assert.equal(status, "rejected");
});

test("one lookup for all pushes to a backend", async (t) => {
  const backend = await createBackend(t);
  const client = createBackendClient();
  t.after(() => client.close());
  const count = countLookups(t, host);
  const answers = many.map(() => client.post(`http://${host}:${backend.port}/`, {}, Buffer.from("{}"), 10_000));
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
  assert.equal(count(), 1);
});

test("one lookup for all pages", async (t) => {
  const backend = await createBackend(t);
  const url = new URL(`http://${host}:${backend.port}/`);
  const call = { url, headers: ["Host", host], body: Buffer.alloc(0), timeout: 10_000 };
  const count = countLookups(t, host);
  const { signal } = new AbortController();
  for (const answer of await Promise.all(many.map(() => callBackend({ ...call, signal })))) answer.resume();
  assert.equal(count(), 1);
});

for (const bare of [false, true]) {
  test(`one lookup for all calls to WeChat's API ${bare ? "without" : "with"} a token`, async (t) => {
    const wechat = await createBackend(t, { body: { access_token: "T", expires_in: 7200 } });
    const config = await configOf({ services: [service({})], "wx-api-base": `http://${host}:${wechat.port}` });
    const apis = createWechatApis(config, createKeptLog().log);
    t.after(() => apis.close());
    const [account] = config.accounts;
    assert.ok(account);
    const count = countLookups(t, host);
    const call = () => apis.of(account).call("/cgi-bin/user/info", { bare });
    if (!bare) await call();
    const before = count();
    await Promise.all(many.map(call));
    assert.equal(count() - before, 1);
  });
}
