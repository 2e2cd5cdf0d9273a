/** Values that may stand in no log and no answer. */
export const secrets = {
  token: "TokenOfTheOldConfig",
  appSecret: "0123456789abcdef0123456789abcdef",
  aesKey: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
} as const;
export const appId = "wx1234567890abcdef";

/** The example of go-wx-gateway's README, filled in: its explanations, its trailing commas and its slips are left. */
export function readmeConfig(backend: string, tokenDir: string): string {
  return `{
    "listen-host": "",
    "listen-port": 7080,
    "services": [
       {
           "name": "一个名字,随便取",
           "workerNum": 5,
           "timeout": 0,
           "wx-params": {
               "token": "${secrets.token}",
               "app-id": "${appId}",
               "app-secret": "${secrets.appSecret}",
               "aes-key": "${secrets.aesKey}"
           },
           "listen-endpoints": {
               "service-path": "/wx",
               "redirect-path": "/redirect"
           },
           "msg-proxy-pass": "${backend}",
           "redirect-url": "${backend}/path/to/redirect",
           "redirect-userinfo-flag": "login"
       },
       {
           "name": "小店",
           "workerNum": 5,
           "wx-params": { "token": "${secrets.token}2", "app-id": "wxEC", "app-secret": "${secrets.appSecret}", "aes-key": null },
           "listen-endpoints": { "service-path": "/wx2" },
           "msg-proxy-pass": "${backend}/ec",
           "is-channels-ec": true,
           "注意": "listen-endpoints中的路径 不能 相同",
           "视频号小店支持": "如果是视频号小店,加上 \\"is-channels-ec\\": true 配置项"
       }
    ],
    "token-cache-dir": "${tokenDir}",
    "common-endpoints": {
       "health-check": "/wxhealth",
       "wx-qr": "/qr",
       "wx-qr的参数说明": "s=<服务名,对应services中的name>&t=temp|forever[&sceneid=<场景id>][&e=<t为temp时的有效秒数>]",
       "wx-user": "/user",
       "sns-auth2": "/sns-auth2",
       "short-url": "/short-url",
       "tmpl-msg": "/tmpl-msg",
       "tmpl-msg body例子": {"s":"服务名","to":"用户openid","tid":"模版id","mp":{"说明":"可选的小程序参数","appid":"小程序appid"}, "data":{"模版数据key":"数据"}},
       "sign-jsapi": "/sign-jsapi",
       "channels-ec-order-detail": "/channles-ec-order-detail",
       "channels-ec-refund-detail": "/channels-ec-refund-detail",
       "channels-ec-refund-detail参数说明": "s=<服务名,对应services中的name>&o=<售后订单id>",
    },
    "dont-append-userinfo": false
}`;
}

/** The shape of its sample.conf.json, with a key that is one. */
export const sampleConfig = {
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
  "common-endpoints": { "health-check": "/health", "wx-qr": "", "wx-user": "" },
  "dont-append-userinfo": true,
};
