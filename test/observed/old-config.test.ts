/**
 * A config of go-wx-gateway, started unchanged as a process of its own; only the ports come from the environment. The one
 * process outlives all that ended go-wx-gateway's, and what it has printed at the end holds no secret.
 * Elsewhere: what each key becomes (test/shared/config/seed-config), the pages' faults one by one
 * (test/gateway/web-authorization-faults), two processes and SIGTERM (test/bridge/processes).
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { startProcess } from "../bridge/bridge-process.ts";
import { writeTemporary } from "../cli/run-command.ts";
import { browse, streamSlowly, textOf } from "../gateway/web-authorization-world.ts";
import { createBackend } from "../support/backend-server.ts";
import { createLoopbackServer } from "../support/loopback-server.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { createWechatApi } from "../support/wechat-api-server.ts";
import { createWechat, parseReply } from "../support/wechat-server.ts";
import { appId, readmeConfig, sampleConfig, secrets } from "./old-config.ts";

const anyPort = { LISTEN_PORT: "0", INTERNAL_LISTEN_PORT: "0" };
let serial = 0;
const text = (Content: string) =>
  `<xml><ToUserName>gh_1</ToUserName><FromUserName>oUSER1</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><MsgId>${++serial}</MsgId><Content>${Content}</Content></xml>`;

test("the README's config, filled in", async (t) => {
  const folder = createTemporaryFolder(t);
  const backend = await createBackend(t, { body: { type: "text", msg: "SECRET ANSWER" } });
  const api = await createWechatApi(t);
  const pages = await createLoopbackServer(t, relayed);
  const config = readmeConfig(backend.url, folder).replace(`${backend.url}/path/to`, `${pages.url}/path/to`);
  const file = await writeTemporary(t, "wx-gateway-conf.json", config);
  const bridge = await startProcess(t, "start", file, { ...anyPort, WX_API_BASE: api.url });
  const [url, internal] = [bridge.port, bridge.internalPort].map((port) => `http://127.0.0.1:${port}`);
  const { token, aesKey } = secrets;
  const wechat = createWechat({ url: `${url}/wx`, token, appId, aesKey });
  const store = createWechat({ url: `${url}/wx2`, token: `${token}2`, appId: "wxEC" });

  await t.test("a push is sealed, appended to and answered", async () => {
    const answer = await wechat.push(text("SECRET CONTENT"));
    assert.deepEqual([answer.verified, parseReply(answer.opened)["Content"]], [true, "SECRET ANSWER"]);
    const [request] = await backend.next(1);
    assert.equal(request?.path, "/msg/text");
    assert.match(request?.body ?? "", /"userInfo":\{"subscribe":1,.*"userInfoError":""\}$/);
  });
  await t.test("/wx2 was checked with the token of /wx, and so was the health check at /wxhealth", async () => {
    const pay = `{"FromUserName":"oEC1","CreateTime":1,"MsgType":"event","Event":"channels_ec_order_pay","order_info":{"order_id":3705115058471208928}}`;
    assert.equal((await store.push(pay)).body, "SECRET ANSWER");
    assert.deepEqual([(await backend.next(1))[0]?.body, (await fetch(`${url}/wxhealth`)).status], [pay, 200]);
  });
  await t.test("bodies without <xml> and counts that do not fit ended the process", async () => {
    const check = `<CopyrightCheckResult><Count>1</Count><ResultList><item/><item/></ResultList></CopyrightCheckResult>`;
    const finished = `<xml><MsgType>event</MsgType><Event>MASSSENDJOBFINISH</Event>${check}</xml>`;
    const bodies = ["<foo/>", "garbage", finished, finished.replace("<Count>1<", "<Count>2000000000<")];
    const statuses: number[] = [];
    for (const body of bodies) statuses.push((await wechat.push(body)).status);
    for (const body of ["", "garbage", `[1]`]) statuses.push((await store.push(body)).status);
    assert.deepEqual(statuses, [400, 400, 200, 200, 400, 400, 400]);
    const paths = (await backend.next(2)).map(({ path }) => path);
    assert.deepEqual(paths, ["/event/MASSSENDJOBFINISH", "/event/MASSSENDJOBFINISH"]);
  });
  await t.test("a browser that leaves and a page that is cut off ended the process", async () => {
    for (const code of ["base1", "base2", "base3"]) {
      const answer = await browse(`${url}/redirect?code=${code}&state=slow`);
      answer.destroy();
    }
    const cut = await browse(`${url}/redirect?code=base4&state=truncate`);
    await assert.rejects(textOf(cut));
    assert.equal(await textOf(await browse(`${url}/redirect?code=base5&state=fine`)), "page");
  });
  await t.test("a page whose code WeChat does not answer showed the secret", async () => {
    api.fail("/sns/oauth2/access_token", "hang", 1);
    const answer = await browse(`${url}/redirect?code=SECRETCODE&state=s`);
    assert.deepEqual(
      [answer.statusCode, await textOf(answer)],
      [500, "GET /sns/oauth2/access_token: no answer in 5000 ms\n"],
    );
  });
  await t.test("each common endpoint is there, beside the metrics as INTERNAL_LISTEN_PORT is set", async () => {
    for (const path of ["qr", "user", "sns-auth2", "channles-ec-order-detail", "channels-ec-refund-detail"]) {
      assert.equal((await fetch(`${internal}/${path}?s=nosuch`)).status, 400, path);
    }
    for (const path of ["short-url", "tmpl-msg", "sign-jsapi"]) {
      assert.equal((await fetch(`${internal}/${path}`, { method: "POST", body: "s=nosuch" })).status, 400, path);
    }
    assert.equal((await fetch(`${internal}/user?s=${encodeURIComponent("一个名字,随便取")}&o=o1`)).status, 200);
  });
  await t.test("SIGTERM dropped what was in flight: it is answered first", async () => {
    backend.answer({ body: { type: "text", msg: "drained" }, delayMs: 500 });
    const answering = wechat.push(text("SECRET CONTENT"));
    await backend.next(1);
    assert.equal(await bridge.end("SIGTERM"), 0);
    assert.equal(parseReply((await answering).opened)["Content"], "drained");
  });
  await t.test("config, tokens, messages, answers and codes were printed: none is", async () => {
    const output = bridge.output();
    const cached = await readFile(join(folder, appId), "utf8");
    const { token: accessToken } = JSON.parse(cached) as { token: string };
    const kept = [...Object.values(secrets), accessToken, "SECRET", "signature=", "nonce=", "    at "];
    for (const secret of kept) assert.ok(!output.includes(secret), `${secret} was printed`);
    assert.ok(output.split("\n").length < 60, "it prints more than a line an event");
  });
});

/** A page as the state wants it: whole, slow, or cut off. */
function relayed(request: IncomingMessage, response: ServerResponse): void {
  let body = "";
  request.on("data", (chunk: Buffer) => (body += chunk.toString()));
  request.on("end", () => {
    const { state } = JSON.parse(body) as { state: string };
    if (state === "slow") void streamSlowly(response, 100, 20);
    else if (state === "fine") response.end("page");
    else {
      response.writeHead(200, { "content-length": "64" });
      response.write("half", () => response.destroy());
    }
  });
}

test("sample.conf.json, once its aes-key is one: an echo without AppID", async (t) => {
  const file = await writeTemporary(t, "sample.conf.json", sampleConfig);
  const bridge = await startProcess(t, "start", file, anyPort);
  const wechat = createWechat({ url: `http://127.0.0.1:${bridge.port}/wx`, token: "hello_rosbit", appId: "" });
  assert.equal(parseReply((await wechat.push(text("echoed"))).opened)["Content"], "echoed");
  assert.equal(await (await fetch(`http://127.0.0.1:${bridge.port}/health`)).text(), "OK\n");
  assert.equal(await bridge.end("SIGTERM"), 0);
});
