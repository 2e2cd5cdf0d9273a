import assert from "node:assert/strict";
import { once } from "node:events";
import { request, Agent as KeepAlive, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { after, test } from "node:test";
import { text as readText } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { parseReply } from "../support/wechat-server.ts";
import { createEchoBridge, requestBytes, speak } from "./echo-bridge.ts";

const bridge = await createEchoBridge({ after: (close) => after(close) }, [
  { name: "wx", token: "TokenOfWx" },
  { name: "wx2", token: "TokenOfWx2" },
  { name: "safe", token: "TokenOfSafe", sealed: true },
  { name: "fenced", token: "TokenOfFenced", settings: { "allow-from": ["203.0.113.0/24"] } },
]);
const { port } = bridge;

let messages = 0;
/** A text message that nobody has sent before. */
function message(Content = "hello"): string {
  return `<xml><ToUserName>gh_1</ToUserName><FromUserName>oUSER</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><Content>${Content}</Content><MsgId>${++messages}</MsgId></xml>`;
}
const contentOf = (answer: { body: string }) => parseReply(answer.body)["Content"];

test("GET answers echostr to the byte, as text/plain", async () => {
  for (const echostr of ["4375120948345356249", "<script>alert(1)</script>", "你好 &%"]) {
    const answer = await bridge.wechat("wx").verifyUrl(echostr);
    assert.deepEqual([answer.status, answer.body], [200, echostr]);
    assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
  }
});

test("GET without echostr says hello; HEAD says nothing; a wrong signature is refused", async () => {
  const path = bridge.signed("wx");
  const hello = await speak(port, requestBytes(`GET ${path}`));
  assert.deepEqual([hello.status, hello.body], [200, "hello, this is wx-bridge"]);
  assert.partialDeepStrictEqual(await speak(port, requestBytes(`HEAD ${path}`)), { status: 200, body: "" });
  const refused = await speak(port, requestBytes(`GET ${bridge.signed("wx", { nonce: "other", echostr: "x" })}`));
  assert.deepEqual([refused.status, refused.body], [400, "invalid signature\n"]);
});

test("a text is echoed as text/xml, plain and sealed", async () => {
  const plain = await bridge.wechat("wx").push(message("plain"));
  assert.deepEqual(
    [plain.status, plain.headers["content-type"], contentOf(plain)],
    [200, "text/xml; charset=utf-8", "plain"],
  );
  const sealed = await bridge.wechat("safe").push(message("sealed"));
  assert.deepEqual([sealed.status, sealed.sealed, sealed.verified], [200, true, true]);
  assert.equal(sealed.headers["content-type"], "text/xml; charset=utf-8");
  assert.equal(parseReply(sealed.opened)["Content"], "sealed");
});

test("JSON is answered in JSON, success as text/plain", async () => {
  const json = JSON.stringify({ ToUserName: "gh_1", FromUserName: "o", MsgType: "text", Content: "hi", MsgId: "j1" });
  const answer = await bridge.wechat("wx").push(json);
  assert.deepEqual([answer.headers["content-type"], contentOf(answer)], ["application/json; charset=utf-8", "hi"]);
  const success = await bridge.wechat("wx").push(message().replace("text", "location"));
  assert.deepEqual([success.body, success.headers["content-type"]], ["success", "text/plain; charset=utf-8"]);
});

test("each path has its own token, exactly", async () => {
  for (const name of ["wx", "wx2"]) assert.equal((await bridge.wechat(name).push(message(name))).status, 200);
  const crossed = bridge.signed("wx").replace("/wx?", "/wx2?");
  assert.deepEqual((await speak(port, requestBytes(`GET ${crossed}`))).body, "invalid signature\n");
});

test("a request counts from its headers on, however late its body comes", async () => {
  for (const [path, line] of [
    [bridge.signed("wx"), { outcome: "replied", msg: "push" }],
    [bridge.signed("wx", { nonce: "other" }), { status: 400, msg: "request refused" }],
  ] as const) {
    const [head = "", body = ""] = requestBytes(`POST ${path}`, [], message("late")).split(/(?<=\r\n\r\n)/);
    const before = bridge.lines.length;
    await speak(port, head, sleep(300, body));
    const told = bridge.lines.slice(before).map((text) => JSON.parse(text) as { ms: number; msg: string });
    const own = told.find(({ msg }) => msg === line.msg);
    assert.partialDeepStrictEqual(own, line);
    assert.ok(Number(own?.ms) >= 250, `${own?.ms} ms`);
  }
});

const contentTypes = [
  "",
  "text",
  ";;",
  "application/json",
  "text/xml; charset=gbk",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "中",
];
for (const type of contentTypes) {
  test(`Content-Type ${JSON.stringify(type)} costs no push`, async () => {
    const bytes = requestBytes(
      `POST ${bridge.signed("wx")}`,
      [`Content-Type: ${type}`],
      message(`type ${type.length}`),
    );
    const answer = await speak(port, bytes);
    assert.deepEqual([answer.status, contentOf(answer)], [200, `type ${type.length}`]);
  });
}

test("a push without Content-Type, and one in chunks", async () => {
  const path = bridge.signed("wx");
  assert.equal(contentOf(await speak(port, requestBytes(`POST ${path}`, [], message("none")))), "none");
  const body = message("chunks");
  const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const chunked = await speak(port, requestBytes(`POST ${path}`, ["Transfer-Encoding: chunked"]) + chunks);
  assert.equal(contentOf(chunked), "chunks");
});

test("a parameter that stands twice counts by its first value", async () => {
  const path = bridge.signed("wx");
  const answer = await speak(port, requestBytes(`POST ${path}&signature=0&nonce=x&timestamp=0`, [], message("first")));
  assert.equal(contentOf(answer), "first");
  const wrong = path.replace("?", "?signature=0&");
  assert.equal((await speak(port, requestBytes(`POST ${wrong}`, [], message()))).status, 400);
});

const senders: [forwarded: string, status: number][] = [
  ["203.0.113.9", 200],
  ["203.0.113.9, 10.0.0.1", 200],
  ["203.0.113.9, 100.64.0.1", 200],
  ["203.0.113.9, 100.127.129.80", 200],
  ["203.0.113.9, 100.128.0.1", 403],
  ["8.8.8.8", 403],
  ["203.0.113.9, 8.8.8.8", 403],
  ["::ffff:203.0.113.9", 200],
  ["unknown", 403],
  ["", 403],
];
for (const [forwarded, status] of senders) {
  test(`allow-from behind a proxy that tells "${forwarded}" is ${status}`, async () => {
    const bytes = requestBytes(`POST ${bridge.signed("fenced")}`, [`X-Forwarded-For: ${forwarded}`], message());
    const answer = await speak(port, bytes);
    assert.equal(answer.status, status);
    if (status === 403) assert.equal(answer.body, "address not allowed\n");
  });
}

test("one connection serves push after push", async (t) => {
  const agent = new KeepAlive({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (const first of [true, false, false]) {
    const outgoing = request(bridge.url + bridge.signed("wx"), { method: "POST", agent });
    outgoing.end(message("again"));
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    assert.equal(contentOf({ body: await readText(response) }), "again");
    assert.equal(outgoing.reusedSocket, !first);
  }
});

async function refused(): Promise<number> {
  return Number(/^wx_refused_total{service="wx",.*} (\d+)$/m.exec(await bridge.metrics())?.[1] ?? 0);
}

test("whoever sends requests on and on without waiting for answers is cut off, and only a few are worked on", async () => {
  const request = "GET /wx HTTP/1.1\r\nHost: x\r\n\r\n";
  const before = await refused();
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {}).write(request.repeat(1000));
  socket.resume();
  await once(socket, "close");
  const worked = (await refused()) - before;
  assert.ok(worked <= 16, `${worked} requests`);
});

test("some requests that are sent at once are answered in their order", async () => {
  const { url } = bridge;
  const line = (echostr: string) =>
    `GET ${bridge.signed("wx", { echostr })} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n`;
  const text = await speak(port, `${line("one")}\r\n${line("two")}\r\n${line("three")}Connection: close\r\n\r\n`);
  assert.match(text.body, /^one[\s\S]*\r\n\r\ntwo[\s\S]*\r\n\r\nthree$/);
});

test("2000 accounts start", async (t) => {
  const accounts = Array.from({ length: 2000 }, (_, i) => ({ name: `shop-${i}`, token: `T${i}` }));
  const many = await createEchoBridge(t, accounts);
  assert.equal(contentOf(await many.wechat("shop-1999").push(message())), "hello");
});
