import { Type, type TProperties } from "typebox";
import type { CommonEndpoint } from "../config/config.ts";
import { configSchema } from "../config/schema.ts";
import { answer, query, ref, type Part } from "./openapi-parts.ts";

/** Answers and failures of all common endpoints but the health check have this type. */
const jsonType = "application/json;charset=UTF-8";

/** A failure of a common endpoint. */
export const FailureSchema = Type.Object(
  {
    code: Type.Integer({ description: "The HTTP status" }),
    msg: Type.String({ description: "What is wrong, or WeChat's errmsg" }),
    errcode: Type.Optional(Type.Integer({ description: "WeChat's errcode, when it refused" })),
  },
  { description: "A call of a common endpoint that failed" },
);

const service = query("s", "The service name");
const user = Type.Object({}, { description: "The user with every field WeChat returned" });
const orNull = (description: string) => Type.Union([Type.Object({}), Type.Null()], { description });

/** The routes with their usual paths. */
export const endpointPaths: Part = {
  "/health": {
    get: {
      tags: ["Common endpoints"],
      operationId: "health-check",
      summary: describe("health-check"),
      responses: { 200: answer("OK", "text/plain;charset=UTF-8", { const: "OK\n" }) },
    },
  },
  "/qr": endpoint("wx-qr", {
    parameters: [
      service,
      query("t", "Temporary, or for ever", true, { enum: ["temp", "forever"] }),
      query("sceneid", "The scene, `0` when absent", false),
      query("e", "Seconds that a temporary code is good for, 30 when absent", false),
    ],
    result: {
      result: Type.Object({
        ticketURL2ShowQrCode: Type.String({ description: "The picture" }),
        urlIncluedInQrcode: Type.String({ description: "What the code says" }),
      }),
    },
  }),
  "/user": endpoint("wx-user", { parameters: [service, query("o", "The user's openid")], result: { userInfo: user } }),
  "/sns-auth2": endpoint("sns-auth2", {
    parameters: [
      service,
      query("code", "The code that WeChat's redirect brought"),
      query("scope", "`base` when absent", false, {
        enum: ["base", "snsapi_base", "snsn_api_base", "sns_base", "userinfo", "snsapi_userinfo", "sns_userinfo", ""],
      }),
    ],
    result: {
      openId: Type.String(),
      userInfo: orNull("The user, or null"),
      error: Type.String({ description: "Why userInfo is null; empty when it is there" }),
    },
  }),
  "/short-url": endpoint("short-url", {
    body: { s: Type.String({ description: "The service name" }), u: Type.String({ description: "The long URL" }) },
    result: { "short-url": Type.String() },
  }),
  "/tmpl-msg": endpoint("tmpl-msg", {
    body: {
      s: Type.String({ description: "The service name" }),
      to: Type.String({ description: "The user's openid" }),
      tid: Type.String({ description: "The template" }),
      url: Type.Optional(Type.String({ description: "Where the message leads" })),
      mp: Type.Optional(Type.Object({ appid: Type.String(), pagepath: Type.Optional(Type.String()) })),
      data: Type.Object({}, { description: "The template's values: text, numbers, or objects such as {value, color}" }),
    },
    result: { result: Type.Object({}, { description: "WeChat's whole answer, with msgid" }) },
  }),
  "/sign-jsapi": endpoint("sign-jsapi", {
    body: { s: Type.String({ description: "The service name" }), u: Type.String({ description: "The page's URL" }) },
    result: {
      params: Type.Object(
        {
          appId: Type.String(),
          nonce: Type.String(),
          noncestr: Type.String({ description: "The same as nonce" }),
          signature: Type.String(),
          timestamp: Type.Integer(),
        },
        { description: "For wx.config" },
      ),
    },
  }),
  "/channels-ec-order-detail": endpoint("channels-ec-order-detail", {
    parameters: [service, query("o", "The order's id")],
    result: { order: orNull("The order as WeChat describes it") },
  }),
  "/channels-ec-refund-detail": endpoint("channels-ec-refund-detail", {
    parameters: [service, query("o", "The after-sales order's id")],
    result: { aftersaleOrder: orNull("The after-sales order as WeChat describes it") },
  }),
};

interface Shape {
  parameters?: readonly Part[];
  /** Members of the body, form or JSON; with one the method is POST. */
  body?: TProperties;
  /** What is answered beside `code` and `msg`. */
  result: TProperties;
}

function endpoint(name: CommonEndpoint, { parameters, body, result }: Shape): Part {
  const success = Type.Object({ code: Type.Literal(200), msg: Type.Literal("OK"), ...result });
  const failed = (description: string) => answer(description, jsonType, ref("schemas", "Failure"));
  const operation = {
    tags: ["Common endpoints"],
    operationId: name,
    summary: describe(name),
    ...(parameters && { parameters }),
    ...(body && { requestBody: bodyOf(body) }),
    responses: {
      200: answer("Done", jsonType, success),
      400: failed("A parameter is missing or wrong, or `s` names no service"),
      ...(body && { 413: failed("The body is over 64 KiB") }),
      500: failed("WeChat refuses, or does not answer"),
    },
  };
  return body ? { post: operation } : { get: operation };
}

function bodyOf(properties: TProperties): Part {
  const schema = Type.Object(properties);
  const isFlat = Object.values(properties).every((property) => Type.IsString(property));
  return {
    required: true,
    content: {
      ...(isFlat && { "application/x-www-form-urlencoded": { schema }, "multipart/form-data": { schema } }),
      "application/json": { schema },
    },
  };
}

/** What the config's own documentation says of an endpoint. */
function describe(name: CommonEndpoint): string {
  const { description = "" } = configSchema.properties["common-endpoints"].properties[name] as { description?: string };
  return description;
}
