/**
 * What go-wx-gateway did with access tokens, for pushes on both buses.
 * Elsewhere: /user called 50 times at once (test/gateway/endpoints/users), the file's form, corrupt files, a folder that
 * cannot be written, back-off after 45009, empty tokens (test/shared/api/token-store), 40001 at any call
 * (test/shared/api/wechat-api).
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { busKinds, createSystem, type BusKind, type System } from "../bridge/system.ts";
import { createBackend, type Backend } from "../support/backend-server.ts";
import type { Closing } from "../support/loopback-server.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { createWechatApi, type WechatApi } from "../support/wechat-api-server.ts";

let serial = 0;
const text = (openid: string) =>
  `<xml><FromUserName>${openid}</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><MsgId>${++serial}</MsgId><Content>a</Content></xml>`;

interface World extends System {
  api: WechatApi;
  backend: Backend;
  /** Pushes of this many users at once; what the backend was told of each. */
  push: (users: number) => Promise<unknown[]>;
}

async function createWorld(t: Closing, bus: BusKind, settings: object = {}): Promise<World> {
  const [api, backend] = [await createWechatApi(t), await createBackend(t)];
  const system = await createSystem(t, {
    bus,
    services: [{ name: "account", "msg-proxy-pass": backend.url }],
    settings: { "dont-append-userinfo": false, "wx-api-base": api.url, ...settings },
  });
  async function push(users: number): Promise<unknown[]> {
    const openids = Array.from({ length: users }, () => `oUSER${serial}-${Math.random()}`);
    await Promise.all(openids.map((openid) => system.wechat("account").push(text(openid))));
    const requests = await backend.next(users);
    return requests.map(({ json }) => (json as Record<string, unknown>)["userInfoError"]);
  }
  return { ...system, api, backend, push };
}

for (const bus of busKinds) {
  test(`${bus}: 50 pushes on a cold cache were a token a worker: it is one`, async (t) => {
    const { api, push } = await createWorld(t, bus);
    api.latency("/cgi-bin/stable_token", 100);
    // A machine that is slow at the start may take longer than userInfo's own second, three times and more.
    const slow = /^user\/info(: no answer in 1000 ms| skipped after 3 failures in a row)$/;
    const failed = (await push(50)).filter((error) => error !== "" && !slow.test(String(error)));
    assert.deepEqual(failed, []);
    assert.deepEqual([api.count("/cgi-bin/stable_token"), api.count("/cgi-bin/token")], [1, 0]);
  });

  test(`${bus}: 40001 stayed until the token had run out: no push sees it`, async (t) => {
    const { api, push } = await createWorld(t, bus);
    await push(1);
    api.invalidateToken();
    assert.deepEqual(await push(5), ["", "", "", "", ""]);
    assert.equal(api.count("/cgi-bin/stable_token"), 2);
  });

  test(`${bus}: without token-cache-dir each push fetched a token in vain: they share one`, async (t) => {
    const { api, push } = await createWorld(t, bus, { "token-cache-dir": "" });
    for (let n = 0; n < 3; n++) assert.deepEqual(await push(1), [""]);
    assert.equal(api.count("/cgi-bin/stable_token"), 1);
  });

  test(`${bus}: the token that go-wx-gateway left in its file is used, and renewed when WeChat refuses it`, async (t) => {
    const folder = createTemporaryFolder(t);
    const { api, push } = await createWorld(t, bus, { "token-cache-dir": folder });
    const expire = Math.floor(Date.now() / 1000) + 3600;
    await writeFile(join(folder, "wxba5fad812f8e6fb9"), JSON.stringify({ expire, token: "AT_of_the_old_program" }));
    assert.deepEqual(await push(1), [""]);
    const asked = api.calls.filter(({ path }) => path === "/cgi-bin/user/info");
    assert.equal(asked[0]?.query["access_token"], "AT_of_the_old_program");
    assert.deepEqual([asked.length, api.count("/cgi-bin/stable_token")], [2, 1]);
  });
}
