import assert from "node:assert/strict";
import { test } from "node:test";
import type { TSchema } from "typebox";
import { Check } from "typebox/schema";
import { configSchema } from "../../../shared/config/schema.ts";

interface Node {
  description?: string;
  default?: unknown;
  examples?: unknown[];
  required?: string[];
  properties?: Record<string, Node>;
  items?: Node;
}

function* settingsOf(node: Node, path = ""): Generator<[string, Node]> {
  for (const [key, inner] of Object.entries(node.properties ?? {})) yield [`${path}${key}`, inner];
  for (const [key, inner] of Object.entries(node.properties ?? {})) yield* settingsOf(inner, `${path}${key}.`);
  if (node.items) yield* settingsOf(node.items, `${path}[].`);
}

const root = configSchema as TSchema as Node;
const settings = [...settingsOf(root)];

function prefixed(prefix: string, keys: string): string[] {
  return keys.split(/\s+/).map((key) => prefix + key);
}

test("the keys of the file", () => {
  const topLevel = `listen-host listen-port internal-listen-host internal-listen-port services amqp data-dir token-cache-dir
    wx-api-base log-level common-endpoints dont-append-userinfo consumers`;
  const service = `name workerNum timeout wx-params listen-endpoints msg-proxy-pass redirect-url redirect-userinfo-flag
    is-channels-ec dont-append-userinfo delivery fan-out reply reply-budget reply-window late-reply backend-timeout retry
    unhandled ordering concurrency allow-plaintext allow-from previous-token previous-aes-key webhook-secret token-api`;
  const endpoints = `health-check wx-qr wx-user sns-auth2 short-url tmpl-msg sign-jsapi channels-ec-order-detail
    channels-ec-refund-detail`;
  const expected = [
    ...prefixed("", topLevel),
    ...prefixed("services.[].", service),
    ...prefixed("services.[].wx-params.", "token app-id app-secret aes-key"),
    ...prefixed("services.[].listen-endpoints.", "service-path redirect-path"),
    ...prefixed("amqp.", "url urls prefix tls"),
    ...prefixed("amqp.tls.", "ca cert key"),
    ...prefixed("common-endpoints.", endpoints),
  ];
  assert.deepEqual(
    settings.map(([path]) => path),
    expected,
  );
});

test("every setting is described, and its default and examples are valid", () => {
  for (const [path, node] of settings) {
    assert.ok(node.description, path);
    if (node.default !== undefined) assert.ok(Check(node as TSchema, node.default), path);
    for (const example of node.examples ?? []) assert.ok(Check(node as TSchema, example), path);
  }
});

test("only what has no default is required", () => {
  const required = [["", root] as const, ...settings].flatMap(([path, node]) =>
    [...(node.required ?? []), ...(node.items?.required ?? [])].map((key) => `${path} ${key}`.trim()),
  );
  assert.deepEqual(required, [
    "services",
    "services name",
    "services wx-params",
    "services listen-endpoints",
    "services.[].wx-params token",
    "services.[].listen-endpoints service-path",
  ]);
});

test("the schema is plain JSON", () => {
  assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(configSchema)) as object), [
    "type",
    "required",
    "properties",
    "description",
    "x-must",
  ]);
});
