import { internalHost, internalPaths, internalPorts } from "../config/config.ts";
import { answer, type Part } from "./openapi-parts.ts";

const jsonType = "application/json; charset=utf-8";
const status = (word: string) => ({
  type: "object",
  properties: { status: { const: word } },
  required: ["status"],
  additionalProperties: false,
});
const document = (version: "openapi" | "asyncapi") => ({
  200: answer("The document", jsonType, {
    type: "object",
    properties: { [version]: { type: "string" } },
    required: [version],
  }),
});

const routes: Record<(typeof internalPaths)[number], { summary: string; responses: Part }> = {
  "/healthz": {
    summary: "Whether the process runs",
    responses: { 200: answer("It does", jsonType, status("ok")) },
  },
  "/readyz": {
    summary: "Whether it can do its work",
    responses: {
      200: answer("It can", jsonType, status("ready")),
      503: answer("RabbitMQ is away", jsonType, status("broker away")),
    },
  },
  "/metrics": {
    summary: "Metrics for Prometheus",
    responses: {
      200: answer("The metrics", "text/plain; version=0.0.4; charset=utf-8", { type: "string", pattern: "# HELP " }),
    },
  },
  "/openapi.json": { summary: "This document", responses: document("openapi") },
  "/asyncapi.json": { summary: "The contract of RabbitMQ's side", responses: document("asyncapi") },
};

const servers = Object.entries(internalPorts).map(([role, port]) => ({
  url: `http://${internalHost}:${port}`,
  description: `The internal listener of a ${role}`,
}));

/** The internal listener, for operators. */
export const internalRoutes: Part = Object.fromEntries(
  internalPaths.map((path) => [
    path,
    { servers, get: { tags: ["Operators"], operationId: path.slice(1), ...routes[path] } },
  ]),
);
