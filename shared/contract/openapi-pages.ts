import { Type } from "typebox";
import { query, refusal, type Part } from "./openapi-parts.ts";

/** An account's redirect path, `listen-endpoints.redirect-path`: where web authorization (网页授权) brings browsers. */
export const redirectPath: Part = {
  summary: "The redirect path of an account (网页授权回调)",
  get: {
    tags: ["Browsers"],
    operationId: "authorizePage",
    summary: "A page behind WeChat's authorization",
    description: "The code is exchanged, the user described, and the request passed on to `redirect-url`.",
    parameters: [
      query("code", "WeChat's code, good once"),
      query("state", "What the menu's URL says; `redirect-userinfo-flag` may be anywhere in the URL"),
    ],
    responses: {
      default: { description: "What `redirect-url` answers: status, headers, cookies and body as they come" },
      400: refusal("code or state is missing"),
      500: refusal("WeChat refuses the code, or does not answer"),
      502: refusal("`redirect-url` cannot be reached, or breaks off before its headers"),
      504: refusal("`redirect-url` does not answer in `backend-timeout`"),
    },
  },
};

const nullable = (description: string) => Type.Union([Type.Object({}), Type.Null()], { description });

/** What `redirect-url` gets. */
export const pageWebhook: Part = {
  post: {
    tags: ["Backends"],
    operationId: "page",
    summary: "`redirect-url`: a page behind web authorization",
    description:
      "The browser's headers and cookies as they came, Host too; X-Forwarded-For, -Host and -Proto are added. The answer goes to the browser.",
    requestBody: {
      required: true,
      content: {
        "application/json": {
          schema: Type.Object({
            appId: Type.String({ description: "AppID of the account" }),
            openId: Type.String({ description: "The user" }),
            requestURI: Type.String({ description: "Path and query that the browser asked for" }),
            state: Type.String({ description: "`state` of the query" }),
            userInfo: nullable("The user with every field WeChat returned, or null"),
            userInfoError: Type.String({ description: "Why userInfo is null; empty when it is there" }),
          }),
        },
      },
    },
    responses: { default: { description: "Whatever the browser is to get" } },
  },
};
