import { configSchema } from "../config/schema.ts";
import { contractVersion } from "../headers.ts";
import { ReplySchema } from "../reply.ts";
import { eventSchemas } from "./event-schemas.ts";
import { endpointPaths, FailureSchema } from "./openapi-endpoints.ts";
import { internalRoutes } from "./openapi-internal.ts";
import { pageWebhook, redirectPath } from "./openapi-pages.ts";
import type { Part } from "./openapi-parts.ts";
import { pushPath } from "./openapi-push.ts";
import { backendAnswers, eventHeaders, eventWebhooks } from "./openapi-webhooks.ts";

const description = `The HTTP side of wx-bridge: what WeChat, browsers and your own servers ask it, and (webhooks) what it asks your backends.

Paths are those of the config; here they are the usual ones. Other methods on them are 405 without a body, other paths 404. Common endpoints move to the internal listener when the config sets it.`;

/** The port of the public listener when the config says none. */
const { default: port } = configSchema.properties["listen-port"] as { default?: unknown };

/** The HTTP side as an OpenAPI 3.1 document, made from the schemas that the code itself works with. */
export function createOpenapi(): Part {
  return {
    openapi: "3.1.0",
    info: {
      title: "wx-bridge: WeChat's pushes over HTTP",
      version: `${contractVersion}.0.0`,
      description,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: `http://127.0.0.1:${String(port)}`, description: "The public listener" }],
    tags: ["WeChat", "Browsers", "Common endpoints", "Operators", "Backends"].map((name) => ({ name })),
    paths: { "/wx": pushPath, "/redirect": redirectPath, ...endpointPaths, ...internalRoutes },
    webhooks: { ...eventWebhooks, "redirect-url": pageWebhook },
    components: {
      parameters: eventHeaders,
      responses: backendAnswers,
      schemas: { Reply: ReplySchema, Failure: FailureSchema, ...eventSchemas() },
    },
  };
}
