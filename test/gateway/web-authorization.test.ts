import assert from "node:assert/strict";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { createArrivals } from "../support/arrivals.ts";
import { createLoopbackServer } from "../support/loopback-server.ts";
import { createWechatApi } from "../support/wechat-api-server.ts";
import { startBridge } from "./endpoints/start-bridge.ts";
import { browse, createWorld, textOf } from "./web-authorization-world.ts";

function rawHeadersOf(pairs: [name: string, value: string][]): string[] {
  return pairs.flat();
}

/** A text's bytes in UTF-8, as Node has them in headers: a character each. */
const bytesOf = (text: string) => Buffer.from(text).toString("latin1");

const described = (openid: string) =>
  `{"subscribe":1,"openid":"${openid}","nickname":"","sex":0,"language":"zh_CN","city":"","province":"","country":"",` +
  '"headimgurl":"","subscribe_time":1382694957,"unionid":"o6_bmasdasdsad6_2sgVt7hMZOPfL","remark":"","groupid":0,' +
  '"tagid_list":[128,2],"subscribe_scene":"ADD_SCENE_QR_CODE","qr_scene":98765,"qr_scene_str":""}';
const person =
  String.raw`{"openid":"oOPENID_C2","nickname":"李四 <b>&\"","sex":0,"province":"","city":"","country":"",` +
  '"headimgurl":"https://thirdwx.qlogo.cn/mmopen/g3MonUZtNHkdmzicIlibx6iaFqAc56vxLSUfpb6n5WKSYVY0ChQKkiaJSgQ1dZuTOgvLLrhJbERQQ4eMsv84eavHiaiceqxibJxCfHe/46",' +
  '"privilege":[],"unionid":"o6_bmasdasdsad6_2sgVt7hMZOPfL"}';

test("passes the request on as the backend has always got it", async (t) => {
  const { page, requests, api } = await createWorld(t, (_request, response) => response.end("page"));
  const answer = await browse(
    `${page}?code=base1&state=menu%201&extra=%E4%BD%A0`,
    rawHeadersOf([
      ["Host", "wx.public.example"],
      ["User-Agent", "Mozilla/5.0 MicroMessenger"],
      ["Cookie", "a=1; b=2"],
      ["Authorization", "Basic eDp5"],
      ["X-Own-Case", "yes"],
      ["X-Twice", "1"],
      ["X-Twice", "2"],
      ["Accept-Encoding", "gzip, br"],
      ["X-Forwarded-For", "203.0.113.7"],
      ["Connection", "close, X-Hop"],
      ["X-Hop", "dropped"],
      ["TE", "trailers"],
      ["Proxy-Authorization", "Basic eDp5"],
      ["Expect", "100-continue"],
      ["Content-Encoding", "gzip"],
    ]),
  );
  assert.equal(answer.statusCode, 200);
  assert.equal(await textOf(answer), "page");

  assert.equal(requests.length, 1);
  const { method, path, query, rawHeaders, body } = requests[0] ?? assert.fail();
  assert.deepEqual([method, path, query], ["POST", "/menu", { own: "1", x: " " }]);
  const uri = "/redir?code=base1&state=menu%201&extra=%E4%BD%A0";
  const message =
    `{"appId":"wxapp_plain","openId":"oOPENID_base1","requestURI":"${uri}","state":"menu 1",` +
    `"userInfo":${described("oOPENID_base1")},"userInfoError":""}\n`;
  assert.equal(body, message);
  assert.deepEqual(
    rawHeaders,
    rawHeadersOf([
      ["Host", "wx.public.example"],
      ["User-Agent", "Mozilla/5.0 MicroMessenger"],
      ["Cookie", "a=1; b=2"],
      ["Authorization", "Basic eDp5"],
      ["X-Own-Case", "yes"],
      ["X-Twice", "1"],
      ["X-Twice", "2"],
      ["Accept-Encoding", "gzip, br"],
      ["Content-Type", "application/json"],
      ["Content-Length", String(Buffer.byteLength(message))],
      ["X-Forwarded-For", "203.0.113.7, 127.0.0.1"],
      ["X-Forwarded-Host", "wx.public.example"],
      ["X-Forwarded-Proto", "http"],
      ["Connection", "close"],
    ]),
  );
  assert.deepEqual(
    api.calls.map((call) => call.path),
    ["/sns/oauth2/access_token", "/cgi-bin/stable_token", "/cgi-bin/user/info"],
  );
});

test("what a trusted proxy says of the public address is passed on", async (t) => {
  const { page, requests } = await createWorld(t, (_request, response) => response.end());
  const forwarded = { "x-forwarded-proto": "https", "x-forwarded-host": "wx.example", host: "upstream" };
  await textOf(await browse(`${page}?code=base1&state=s`, forwarded));
  const { host, ...headers } = requests[0]?.headers ?? assert.fail();
  assert.deepEqual(
    [host, headers["x-forwarded-host"], headers["x-forwarded-proto"]],
    ["upstream", "wx.example", "https"],
  );
});

test("user and password in redirect-url are sent, unless the browser sends its own", async (t) => {
  const backend = await createLoopbackServer(t, (request, response) => {
    response.end(JSON.stringify(request.headersDistinct["authorization"]));
  });
  const { page } = await createWorld(t, () => undefined, {
    "redirect-url": `${backend.url.replace("//", "//us:p%40w@")}/menu`,
  });
  const basic = `Basic ${Buffer.from("us:p@w").toString("base64")}`;
  assert.equal(await textOf(await browse(`${page}?code=base1&state=s`)), JSON.stringify([basic]));
  const own = await browse(`${page}?code=base2&state=s`, { authorization: "Bearer own" });
  assert.equal(await textOf(own), '["Bearer own"]');
});

test("with the flag in the request URI the user is described by the grant; of two codes or states the first counts", async (t) => {
  const { page, requests, api } = await createWorld(t, (_request, response) => response.end());
  const query = "?code=C2&state=s2&code=C3&state=s3&from=login";
  await textOf(await browse(page + query));
  assert.equal(
    requests[0]?.body,
    `{"appId":"wxapp_plain","openId":"oOPENID_C2","requestURI":"/redir${query}","state":"s2",` +
      `"userInfo":${person},"userInfoError":""}\n`,
  );
  assert.deepEqual(
    api.calls.map((call) => call.path),
    ["/sns/oauth2/access_token", "/sns/userinfo"],
  );
});

test("without userInfo the request is passed on with the reason", async (t) => {
  const { page, requests, api } = await createWorld(t, (_request, response) => response.end("page"));
  assert.equal(await textOf(await browse(`${page}?code=base1&state=login`)), "page");
  api.fail("/cgi-bin/user/info", { status: 500 });
  assert.equal(await textOf(await browse(`${page}?code=base2&state=s`)), "page");
  assert.deepEqual(
    requests.map(({ json }) => {
      const { userInfo, userInfoError } = json as Record<string, unknown>;
      return [userInfo, userInfoError];
    }),
    [
      [null, "api unauthorized"],
      [null, "GET /cgi-bin/user/info: HTTP 500"],
    ],
  );
});

const refusals: [name: string, method: string, query: string, status: number, body: string][] = [
  ["no code", "GET", "?state=s", 400, "argument expected: code and state\n"],
  ["an empty code", "GET", "?code=&state=s", 400, "argument expected: code and state\n"],
  ["no state", "GET", "?code=C", 400, "argument expected: code and state\n"],
  ["nothing", "GET", "", 400, "argument expected: code and state\n"],
  ["a code that WeChat refuses", "GET", "?code=bad1&state=s", 500, "invalid code\n"],
  ["POST", "POST", "?code=C&state=s", 405, ""],
  ["HEAD", "HEAD", "?code=C&state=s", 405, ""],
];

test("refuses what is no authorization", async (t) => {
  const { page, requests, api } = await createWorld(t, (_request, response) => response.end());
  for (const [name, method, query, status, body] of refusals) {
    const answer = await browse(page + query, {}, method);
    assert.deepEqual([answer.statusCode, await textOf(answer)], [status, body], name);
  }
  api.fail("/sns/oauth2/access_token", { errcode: 0, errmsg: "ok" });
  const answer = await browse(`${page}?code=C&state=s`);
  assert.deepEqual([answer.statusCode, await textOf(answer)], [500, "WeChat's answer to the code holds no openid\n"]);
  assert.equal(requests.length, 0);
  assert.equal(api.calls.length, 2);
});

test("passes the answer back as it comes", async (t) => {
  const zipped = gzipSync("<p>你好</p>");
  const answers: [status: number, message: string, headers: string[], body: Buffer | string][] = [
    [
      200,
      "Fine",
      ["Content-Type", "text/html", "Set-Cookie", "a=1; Path=/", "SET-cookie", "b=2", "X-Twice", "1", "X-Twice", "2"],
      "<p>",
    ],
    [302, "Found", ["Location", "https://elsewhere.example/?x=1", "Set-Cookie", "c=3"], "moved"],
    [200, "OK", ["Content-Encoding", "gzip", "Content-Length", String(zipped.length)], zipped],
    [500, "Internal Server Error", ["Content-Type", "application/json"], '{"a":1}'],
    [204, "No Content", ["X-A", "b"], ""],
    [200, "OK", Array.from({ length: 20 }, (_, n) => ["Set-Cookie", `c${n}=${"x".repeat(1500)}`]).flat(), "30 KB"],
  ];
  const left = [...answers];
  const { page } = await createWorld(t, (_request, response) => {
    const [status, message, headers, body] = left.shift() ?? assert.fail();
    response.sendDate = false;
    response
      .writeHead(status, message, [...headers, "Date", "Sun, 06 Nov 1994 08:49:37 GMT", "Keep-Alive", "timeout=9"])
      .end(body);
  });
  for (const [n, [status, message, headers, body]] of answers.entries()) {
    const answer = await browse(`${page}?code=base${n}&state=s`);
    assert.deepEqual([answer.statusCode, answer.statusMessage], [status, message]);
    const ending = ["Date", "Sun, 06 Nov 1994 08:49:37 GMT", "Connection", "close"];
    const isSized = headers.includes("Content-Length") || status === 204;
    assert.deepEqual(answer.rawHeaders, [...headers, ...ending, ...(isSized ? [] : ["Transfer-Encoding", "chunked"])]);
    assert.deepEqual(await buffer(answer), Buffer.from(body));
  }
});

test("headers that are not ASCII go both ways byte by byte", async (t) => {
  const cookie = ["Cookie", bytesOf("name=张三")];
  const named = ["Location", bytesOf("/菜单?名=值"), "Set-Cookie", bytesOf("name=李四"), "X-Latin1", "caf\u00E9"];
  const statuses = [200, 302, 204];
  const left = [...statuses];
  const { page, requests } = await createWorld(t, (_request, response) => {
    response.writeHead(left.shift() ?? assert.fail(), named).end(Buffer.from("页"));
  });
  for (const status of statuses) {
    const answer = await browse(`${page}?code=base${status}&state=s`, ["Host", "wx.example", ...cookie]);
    assert.equal(answer.statusCode, status);
    assert.deepEqual(answer.rawHeaders.slice(0, named.length), named);
    assert.equal(await textOf(answer), status === 204 ? "" : "页");
    assert.deepEqual(requests.at(-1)?.rawHeaders.slice(2, 4), cookie);
  }
});

test("streams: the headers and each part arrive when the backend sends them", async (t) => {
  const parts = createArrivals<() => void>("parts");
  const { page } = await createWorld(t, (_request, response) => {
    response.writeHead(200).flushHeaders();
    parts.add(() => response.write("first"));
    parts.add(() => response.end("last"));
  });
  const answer = await browse(`${page}?code=base1&state=s`);
  const [sendFirst, sendLast] = await parts.next(2);
  sendFirst?.();
  assert.equal(String((await once(answer, "data"))[0]), "first");
  sendLast?.();
  assert.equal(await textOf(answer), "last");
});

test("a browser that reads slowly slows the backend, and memory stays small", async (t) => {
  const size = 64 * 1024 * 1024;
  let sent = 0;
  const { page } = await createWorld(t, (_request, response) => {
    const chunk = Buffer.alloc(64 * 1024);
    const more = (): void => {
      while (sent < size) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once("drain", more);
      }
      response.end();
    };
    more();
  });
  const answer = await browse(`${page}?code=base1&state=s`);
  await sleep(500);
  assert.ok(sent < size / 2, `${sent} bytes were taken from the backend`);
  let got = 0;
  for await (const chunk of answer) got += (chunk as Buffer).length;
  assert.equal(got, size);
});

test("without redirect-url there is no such route", async (t) => {
  const { page } = await createWorld(t, () => undefined, { "redirect-url": "" });
  assert.equal((await browse(`${page}?code=C&state=s`)).statusCode, 404);
});

test("a redirect-path that another account has without redirect-url is the page's all the same", async (t) => {
  const api = await createWechatApi(t);
  const { url, logged } = await startBridge(t, {
    apiBase: api.url,
    service: {
      "listen-endpoints": { "service-path": "/wx", "redirect-path": "/redir" },
      "redirect-url": "http://127.0.0.1:1/",
    },
    store: { "listen-endpoints": { "service-path": "/ec", "redirect-path": "/redir" } },
  });
  assert.equal((await browse(`${url}/redir?state=s`)).statusCode, 400);
  assert.match(logged.find((line) => line.includes('"msg":"request refused"')) ?? "", /"service":"plain"/);
});
