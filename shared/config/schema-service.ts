import { Type } from "typebox";
import { deliverySettings, securitySettings } from "./schema-delivery.ts";
import { aesKey, baseUrl, httpUrl, path, settings, visible } from "./schema-types.ts";

const wxParams = settings(
  {
    token: Type.String({
      pattern: visible,
      writeOnly: true,
      description: "The Token of 开发/服务器配置. WeChat signs every push with it.",
      "x-must": "must be the Token of 开发/服务器配置: not empty, no white space",
    }),
    "app-id": Type.String({
      pattern: "^[!-.0-~]*$", // no slash: files in token-cache-dir are named by it
      default: "",
      description: "The AppID of 公众号开发信息. Required with an aes-key: replies are sealed for it.",
      examples: ["wx1234567890abcdef"],
      "x-must": "must be the AppID of 公众号开发信息, such as wx1234567890abcdef",
    }),
    "app-secret": Type.String({
      pattern: "^[!-~]*$",
      default: "",
      writeOnly: true,
      description: "The AppSecret. Needed for everything that calls WeChat's API, such as userInfo.",
      "x-must": "must be the AppSecret of 公众号开发信息: letters and digits",
    }),
    "aes-key": aesKey({
      description: "The EncodingAESKey of 开发/服务器配置. Empty or null: the account pushes plaintext.",
    }),
  },
  {
    description: "The account, as the WeChat platform knows it.",
    "x-must": 'must be an object: { "token": "...", "app-id": "...", "app-secret": "...", "aes-key": "..." }',
  },
);

const listenEndpoints = settings(
  {
    "service-path": path({
      required: true,
      description: "Path of the URL that 开发/服务器配置 names: WeChat pushes to it.",
      examples: ["/wx"],
    }),
    "redirect-path": path({ description: "Path that web authorisation (网页授权) comes back to; needs redirect-url." }),
  },
  {
    description: "Where the gateway listens for this account.",
    "x-must": 'must be an object: { "service-path": "/wx" }',
  },
);

/** The settings that the program of the seed knows, too. */
const seedSettings = {
  name: Type.Refine(
    Type.String({
      pattern: String.raw`^(?!\s)[^\p{Cc}]+(?<!\s)$`,
      description: "The service name: unique, at most 100 bytes. Exchanges and queues carry it.",
      examples: ["shop"],
      "x-must": "must be 1 to 100 bytes of text without control characters or white space at its ends",
    }),
    (name) => Buffer.byteLength(name) <= 100,
  ),
  workerNum: Type.Optional(
    Type.Integer({
      description: "Accepted for old config files. It limits nothing; see concurrency.",
      "x-must": "must be a whole number; as it limits nothing, it may also be left out",
    }),
  ),
  timeout: Type.Integer({
    minimum: 0,
    default: 0,
    description: "Seconds after which a push's timestamp is too old; 0 takes any.",
    "x-must": "must be a whole number of seconds, 0 or more",
  }),
  "wx-params": wxParams,
  "listen-endpoints": listenEndpoints,
  "msg-proxy-pass": baseUrl({
    description: "Base URL of the HTTP backend: pushes go to <msg-proxy-pass>/msg/text and the like.",
  }),
  "redirect-url": httpUrl({ description: "Where requests to redirect-path are passed on to." }),
  "redirect-userinfo-flag": Type.String({
    default: "",
    description:
      "When the request to redirect-path contains this text, userInfo is fetched with snsapi_userinfo's grant.",
    examples: ["login"],
  }),
  "is-channels-ec": Type.Boolean({ default: false, description: "The account is a store (视频号小店)." }),
  "dont-append-userinfo": Type.Optional(
    Type.Boolean({ description: "Leaves out userInfo. Default: the setting of the same name at the top of the file." }),
  ),
};

/** One entry of `services`: a WeChat account. */
export const serviceSchema = settings(
  { ...seedSettings, ...deliverySettings, ...securitySettings },
  { description: "One WeChat account.", "x-must": "must be an object: { ... }" },
);
