import assert from "node:assert/strict";
import { test } from "node:test";
import { configOf, errorOf, secrets, warningsOf } from "./sample-config.ts";

/** The example of go-wx-gateway's README, explanations and trailing commas included. */
const readme = String.raw`{
    "listen-host": "",
    "listen-port": 7080,
    "services": [
       {
           "name": "一个名字,随便取",
           "workerNum": 5,
           "timeout": 0,
           "wx-params": {
               "token": "开发/服务器配置中的Token",
               "app-id": "开发/公众号开发信息中的AppId",
               "app-secret": "开发/公众号开发信息中的AppSecret",
               "aes-key": "开发/服务器配置中的EncodingAESKey。如果是明文传输,则该串为空或null"
           },
           "listen-endpoints": {
               "service-path": "/wx  --开发/服务器配置/服务器地址中的路径部分",
               "redirect-path": "/redirect --这个是微信网页授权用到的,设置菜单时都用这个路径,可选"
           },
           "msg-proxy-pass": "http://yourhost.or.ip.here    --这个地址指向消息/事件处理的服务,如果不处理可以为空",
           "redirect-url": "http://yourhost.or.ip/path/to/redirect --完全转发http请求,响应将返回微信服务号,可选",
           "redirect-userinfo-flag": "如果通过 snsapi_userinfo 获取参数,在redrect-url中加上特殊字符串参数,用于区分,比如 login。如果为空,使用 snsapi_base 方式获取用户参数"
       },
       {
           "name": "如果有其它的公众号服务,可以参考上面的信息配置",
           "注意": "listen-endpoints中的路径 不能 相同",
           "视频号小店支持": "如果是视频号小店,加上 \"is-channels-ec\": true 配置项,其中的 \"msg-proxy-pass\" 配置的是接收视频号小店推送的事件"
       }
    ],
    "token-cache-dir": "缓存access的根路径,这是可选的配置",
    "common-endpoints": {
       "health-check": "/health  --这是可选的配置,用于http健康检查,该路由配置成内部可访问",
       "wx-qr": "/qr  --这是可选的路由配置,可以配置成内部可访问的,用于生成微信二维码链接",
       "wx-qr的参数说明": "s=<服务名,对应services中的name>&t=temp|forever[&sceneid=<场景id>][&e=<t为temp时的有效秒数>]",
       "wx-user": "/user --这是可选的路由配置,可以配置成内部可访问的,用于获取用户信息,参数:s=<服务名>&o=<openId>",
       "sns-auth2": "/sns-auth2 -- 这是可选的路由配置,如果网页授权由其它服务接收,可以通过网页授权参数code获取用户信息",
       "sns-auth2参数说明": "s=<服务名,对应services中的name>&code=<网页授权得到的code>&[scope=userinfo|base|snsapi_userinfo|snsn_api_base]",
       "short-url": "/short-url -- 这是可选的路由配置,用于把长url生成短链接。【注】微信已经停止该服务",
       "short-url参数说明": "访问方法POST, POST body: s=<服务名,对应services中的name>&u=<url编码的长URL>",
       "tmpl-msg": "/tmpl-msg -- 这是可选的路由配置,用于发送模版消息",
       "tmpl-msg参数说明": "访问方法POST, POST body是JSON",
       "tmpl-msg body例子": {"s":"服务名,对应services中的name","to":"用户openid","tid":"模版id","url":"可选,跳转url","mp":{"说明":"可选的小程序参数","appid":"小程序appid","pagepath":"页面路径"}, "data":{"模版数据key":"数据","数据key2":"..."}},
       "sign-jsapi": "/sign-jsapi -- 这是可选的路由配置,用于生产jsapi签名",
       "sign-jsapi参数说明": "访问方法POST, POST body: s=<service-name-in-conf>&u=<url-calling-jsapi-in-urlencoding>,结果会返回noncestr, timestamp, signature等结果",
       "channels-ec-order-detail": "/channles-ec-order-detail -- 可选,用于获取视频号小店订单详情", 
       "channels-ec-order-detail参数说明": "s=<服务名,对应services中的name>&o=<订单id>", 
       "channels-ec-refund-detail": "/channels-ec-refund-detail -- 可选,用于获取视频号小店售后单详情",
       "channels-ec-refund-detail参数说明": "s=<服务名,对应services中的name>&o=<售后订单id>", 
    },
    "dont-append-userinfo": "true|false, 各种消息事件是否不增加用户信息,缺省是false,表示追加"
}`;

const path = 'must be only a path such as "/wx": a "/" at the start, no white space, "?", "#", "*" or ":"';
const url =
  'must be only a URL such as "http://127.0.0.1:8080/wx", with http or https (a % in its password is written %25)';

test("the README's example as it stands: every placeholder is named, explanations are not", async () => {
  const { faults, warnings } = await errorOf(readme);
  assert.deepEqual(faults, [
    "services[0].wx-params.token: must be the Token of 开发/服务器配置: not empty, no white space",
    "services[0].wx-params.app-id: must be the AppID of 公众号开发信息, such as wx1234567890abcdef",
    "services[0].wx-params.app-secret: must be the AppSecret of 公众号开发信息: letters and digits",
    'services[0].wx-params.aes-key: must be the 43 characters (A-Z a-z 0-9 + /) of EncodingAESKey, or "" for plaintext',
    `services[0].listen-endpoints.service-path: ${path}`,
    `services[0].listen-endpoints.redirect-path: ${path}`,
    `services[0].msg-proxy-pass: ${url}, no query or fragment`,
    `services[0].redirect-url: ${url}`,
    'services[1].wx-params: is missing; must be an object: { "token": "...", "app-id": "...", "app-secret": "...", "aes-key": "..." }',
    'services[1].listen-endpoints: is missing; must be an object: { "service-path": "/wx" }',
    'token-cache-dir: must be a folder, or "" to keep tokens in memory only',
    `common-endpoints.health-check: ${path}`,
    `common-endpoints.wx-qr: ${path}`,
    `common-endpoints.wx-user: ${path}`,
    `common-endpoints.sns-auth2: ${path}`,
    `common-endpoints.short-url: ${path}`,
    `common-endpoints.tmpl-msg: ${path}`,
    `common-endpoints.sign-jsapi: ${path}`,
    `common-endpoints.channels-ec-order-detail: ${path}`,
    `common-endpoints.channels-ec-refund-detail: ${path}`,
    "dont-append-userinfo: must be true or false, written without quotes",
  ]);
  assert.deepEqual(warnings, []);
});

/** The example with its placeholders replaced and its explanations left where they are. */
const filledIn = readme
  .replace("开发/服务器配置中的Token", secrets.token)
  .replace("开发/公众号开发信息中的AppId", "wx1234567890abcdef")
  .replace("开发/公众号开发信息中的AppSecret", secrets.appSecret)
  .replace(/开发\/服务器配置中的EncodingAESKey[^"]*/, secrets.aesKey)
  .replace(/\s+--[^"]*/g, "")
  .replace(/"redirect-userinfo-flag": "[^"]*"/, '"redirect-userinfo-flag": "login"')
  .replace(/\{\s*"name": "如果有其它[^}]*\}/, "")
  .replace(/缓存access的根路径[^"]*/, "./tokens")
  .replace(/"true\|false[^"]*"/, "false");

test("the README's example filled in: accepted, and its explanations are silent", async () => {
  assert.deepEqual(await warningsOf(filledIn), [
    "common-endpoints: anybody can call wx-qr, wx-user, sns-auth2, short-url, tmpl-msg, sign-jsapi, channels-ec-order-detail, channels-ec-refund-detail on the public port; set internal-listen-port to move them to the internal listener",
  ]);
  assert.deepEqual(await configOf(filledIn), {
    listenHost: "",
    listenPort: 7080,
    internalListenHost: "127.0.0.1",
    internalListenPort: undefined,
    internalListenerSet: false,
    accounts: [
      {
        name: "一个名字,随便取",
        token: secrets.token,
        previousToken: undefined,
        appId: "wx1234567890abcdef",
        appSecret: secrets.appSecret,
        aesKey: secrets.aesKey,
        previousAesKey: undefined,
        timeout: 0,
        servicePath: "/wx",
        redirectPath: "/redirect",
        redirectUrl: "http://yourhost.or.ip/path/to/redirect",
        redirectUserinfoFlag: "login",
        msgProxyPass: "http://yourhost.or.ip.here",
        isChannelsEc: false,
        appendUserInfo: true,
        delivery: "http",
        fanOut: false,
        reply: ["#"],
        replyBudget: 4500,
        replyWindow: "first",
        lateReply: "drop",
        backendTimeout: 30_000,
        retry: [
          { name: "1s", ms: 1000 },
          { name: "10s", ms: 10_000 },
          { name: "1m", ms: 60_000 },
          { name: "10m", ms: 600_000 },
          { name: "1h", ms: 3_600_000 },
          { name: "6h", ms: 21_600_000 },
          { name: "24h", ms: 86_400_000 },
        ],
        unhandled: "drop",
        ordering: "none",
        concurrency: 256,
        allowPlaintext: false,
        allowFrom: undefined,
        webhookSecret: undefined,
        tokenApi: "stable_token",
      },
    ],
    amqp: undefined,
    amqpPrefix: "wx",
    dataDir: undefined,
    tokenCacheDir: "./tokens",
    wxApiBase: "https://api.weixin.qq.com",
    logLevel: "info",
    commonEndpoints: {
      "health-check": "/health",
      "wx-qr": "/qr",
      "wx-user": "/user",
      "sns-auth2": "/sns-auth2",
      "short-url": "/short-url",
      "tmpl-msg": "/tmpl-msg",
      "sign-jsapi": "/sign-jsapi",
      "channels-ec-order-detail": "/channles-ec-order-detail",
      "channels-ec-refund-detail": "/channels-ec-refund-detail",
    },
    consumers: [],
  });
});

test("go-wx-gateway's echo example (no AppID, key null, paths and URLs empty) is accepted", async () => {
  const warnings = await warningsOf({
    "listen-host": "",
    "listen-port": 7080,
    services: [
      {
        name: "echo_server",
        workerNum: 5,
        timeout: 0,
        "wx-params": { token: "hello_rosbit", "app-id": "", "app-secret": "", "aes-key": null },
        "listen-endpoints": { "service-path": "/wx", "redirect-path": "" },
        "msg-proxy-pass": "",
        "redirect-url": "",
        "redirect-userinfo-flag": "",
      },
    ],
    "token-cache-dir": "",
    "common-endpoints": { "health-check": "/health", "wx-qr": "" },
    "dont-append-userinfo": true,
  });
  assert.deepEqual(warnings, [
    "services[0].wx-params.aes-key: DANGER: the signature of a plaintext push never covers its body: whoever has seen one URL can forge pushes FOR EVER, as timeout is 0; set timeout to 300, choose safe mode (安全模式) and set the EncodingAESKey",
  ]);
});
