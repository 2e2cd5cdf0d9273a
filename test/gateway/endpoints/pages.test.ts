import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { parseRecord } from "../../support/json-record.ts";
import { createWechatApi } from "../../support/wechat-api-server.ts";
import { answered, call, startBridge, type Call } from "./start-bridge.ts";

const page = "http://mp.weixin.qq.com/p?a=1&b=你 好";
const fields = { s: "plain", u: page };
const form = new URLSearchParams(fields).toString();

/** The parts as PHP's curl writes an array. */
const parts = (names: Record<string, string>, boundary = "------------------------d74496d66958873e") =>
  Object.entries(names)
    .map(([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
    .concat(`--${boundary}--\r\n`)
    .join("");
const multipart = "multipart/form-data; boundary=------------------------d74496d66958873e";

/** The same call in every form that is taken. */
const rows: [name: string, path: string, call: Call][] = [
  ["a form", "", { body: form, headers: { "content-type": "application/x-www-form-urlencoded" } }],
  ["a form without Content-Type", "", { body: form }],
  ["a form with a broken Content-Type", "", { body: form, headers: { "content-type": "form" } }],
  ["the parts of a form", "", { body: parts(fields), headers: { "content-type": multipart } }],
  ["query and parts", "?s=plain&u=other", { body: parts({ u: page }), headers: { "content-type": multipart } }],
  ["the query", `?${form}`, { method: "POST" }],
  ["JSON", "", { body: JSON.stringify(fields), headers: { "content-type": "application/json" } }],
  ["JSON called a form", "", { body: `\n${JSON.stringify(fields)}`, headers: { "content-type": "text/plain" } }],
  ["query and form", "?s=plain&u=other", { body: new URLSearchParams({ u: page }).toString() }],
];

for (const [name, query, given] of rows) {
  test(`short-url takes ${name}`, async (t) => {
    const api = await createWechatApi(t);
    const { url } = await startBridge(t, { apiBase: api.url });
    assert.deepEqual(
      await call(`${url}/short-url${query}`, given),
      answered('{"code":200,"msg":"OK","short-url":"https://w.url.cn/s/AvCo6Ih"}'),
    );
    const [asked] = await api.next("/cgi-bin/shorturl");
    assert.deepEqual(asked?.json, { action: "long2short", long_url: page });
  });

  test(`sign-jsapi takes ${name}`, async (t) => {
    const api = await createWechatApi(t);
    const { url } = await startBridge(t, { apiBase: api.url });
    checkSigned(await call(`${url}/sign-jsapi${query}`, given), page);
  });
}

test("sign-jsapi signs the URL without its fragment, with one ticket for many", async (t) => {
  const api = await createWechatApi(t);
  const { url } = await startBridge(t, { apiBase: api.url });
  const body = new URLSearchParams({ s: "plain", u: "https://a.example/?x=1#/route?y=2" }).toString();
  const answers = await Promise.all(Array.from({ length: 20 }, () => call(`${url}/sign-jsapi`, { body })));
  for (const answer of answers) checkSigned(answer, "https://a.example/?x=1");
  assert.equal(new Set(answers.map((answer) => answer.body)).size, 20);
  assert.equal(api.count("/cgi-bin/ticket/getticket"), 1);
  assert.equal(api.calls.at(-1)?.query["type"], "jsapi");
});

function checkSigned(answer: { status: number; type: string | undefined; body: string }, signedUrl: string): void {
  assert.deepEqual([answer.status, answer.type], [200, "application/json;charset=UTF-8"]);
  const { params, ...rest } = parseRecord(answer.body);
  assert.deepEqual(rest, { code: 200, msg: "OK" });
  const { appId, nonce, noncestr, signature, timestamp } = params as Record<string, string | number>;
  const text = `jsapi_ticket=JSAPI_TICKET-0-HoagFKDcsGMVCIY2vOjf9j&noncestr=${noncestr}&timestamp=${timestamp}&url=${signedUrl}`;
  assert.equal(signature, createHash("sha1").update(text).digest("hex"));
  assert.equal(nonce, noncestr);
  assert.match(String(nonce), /^[0-9a-f]{16}$/);
  assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 10);
  const order = `{"appId":"${appId}","nonce":"${nonce}","noncestr":"${nonce}","signature":"${signature}","timestamp":${timestamp}}`;
  assert.equal(answer.body, `{"code":200,"msg":"OK","params":${order}}\n`);
  assert.equal(appId, "wxapp_plain");
}

test("a question mark that a caller leaves as it is belongs to the parameter that it stands in", async (t) => {
  const api = await createWechatApi(t);
  const { url } = await startBridge(t, { apiBase: api.url });
  const answer = await call(`${url}/sign-jsapi?s=plain&u=https://a.example/?x=1`, { method: "POST" });
  checkSigned(answer, "https://a.example/?x=1");
});

test("both refuse what is missing and pass WeChat's refusal on", async (t) => {
  const api = await createWechatApi(t);
  const { url } = await startBridge(t, { apiBase: api.url });
  for (const name of ["short-url", "sign-jsapi"]) {
    const faults: [body: string, msg: string][] = [
      ["", "s(ervice) parameter expected"],
      ["s=plain", "u(rl) parameter expected"],
      ['{"s":"plain","u":null}', "u(rl) parameter expected"],
      ["s=nosuch&u=x", "s(ervice) is the name of no service"],
      ['{"s":', "the body is not valid JSON"],
      [parts({ s: "plain" }), "u(rl) parameter expected"],
      [parts(fields).slice(0, -60), "the body is not a valid form"],
    ];
    for (const [body, msg] of faults) {
      assert.deepEqual(await call(`${url}/${name}`, { body }), answered(`{"code":400,"msg":"${msg}"}`, 400), body);
    }
  }
  api.fail("/cgi-bin/shorturl", { errcode: 45073, errmsg: "not support" });
  assert.deepEqual(
    await call(`${url}/short-url`, { body: form }),
    answered('{"code":500,"errcode":45073,"msg":"not support"}', 500),
  );
});
