import { Type } from "typebox";
import { defaultPrefix } from "../bus/names.ts";
import { amqpUrl, baseUrl, host, path, pem, port, settings } from "./schema-types.ts";
import { serviceSchema } from "./schema-service.ts";

const amqp = settings(
  {
    url: Type.Optional(amqpUrl({ description: "The broker's URL.", "x-env": "AMQP_URL" })),
    urls: Type.Optional(
      Type.Array(amqpUrl({ description: "A broker's URL." }), {
        minItems: 1,
        description: "The brokers of a cluster, tried in turn. AMQP_URL is a comma-separated list.",
        "x-env": "AMQP_URL",
        "x-must": "must be a list of at least one URL",
      }),
    ),
    prefix: Type.String({
      pattern: String.raw`^(?!amq(\.|$))[A-Za-z0-9._-]{1,64}$`,
      default: defaultPrefix,
      description: "First part of the name of every exchange and queue.",
      "x-must":
        'must be 1 to 64 letters, digits, ".", "_" or "-", and not begin with "amq", which RabbitMQ keeps for itself',
    }),
    tls: Type.Optional(
      settings(
        {
          ca: Type.Optional(pem({ description: "Certificates to trust, when not those of a public authority." })),
          cert: Type.Optional(pem({ description: "The client's certificate; goes with key." })),
          key: Type.Optional(pem({ description: "The client's private key; goes with cert.", writeOnly: true })),
        },
        { description: "For amqps." },
      ),
    ),
  },
  { description: "RabbitMQ. Without a URL, all happens inside one process. AMQP_URL wins over url and urls." },
);

const commonEndpoints = settings(
  {
    "health-check": path({ description: "Answers OK." }),
    "wx-qr": path({ description: "Makes a QR code." }),
    "wx-user": path({ description: "Looks a user up." }),
    "sns-auth2": path({ description: "Exchanges a web authorisation's code." }),
    "short-url": path({ description: "Shortens a URL. WeChat has ended this service." }),
    "tmpl-msg": path({ description: "Sends a template message." }),
    "sign-jsapi": path({ description: "Signs a page for the JS-SDK." }),
    "channels-ec-order-detail": path({ description: "Reads an order of a store." }),
    "channels-ec-refund-detail": path({ description: "Reads an after-sales order of a store." }),
  },
  {
    default: {},
    description:
      "Paths of the routes beside pushes, without authentication; on the internal listener when that is configured. Empty: no such route.",
  },
);

/**
 * The config file: keys, checks, defaults and their documentation, as JSON Schema. Beyond it, any string may hold
 * `${NAME}` or be `{"file": "path"}`, null stands for an absent setting, and keys that only explain are ignored.
 */
export const configSchema = settings(
  {
    "listen-host": host({
      default: "",
      description: 'Address of the public listener; "" listens on all interfaces.',
    }),
    "listen-port": port({
      default: 7080,
      description: "Port of the public listener; 0 takes a free one.",
      "x-env": "LISTEN_PORT",
    }),
    "internal-listen-host": Type.Optional(
      host({
        description:
          "Address of the internal listener (health, readiness, metrics, API documents). Default: 127.0.0.1.",
      }),
    ),
    "internal-listen-port": Type.Optional(
      port({
        description: "Port of the internal listener. Default: 7081 for a gateway, 7082 for a dispatcher.",
        "x-env": "INTERNAL_LISTEN_PORT",
      }),
    ),
    services: Type.Array(serviceSchema, {
      minItems: 1,
      description: "The WeChat accounts.",
      "x-must": "must be a list of at least one account: [{ ... }]",
    }),
    amqp: Type.Optional(amqp),
    "data-dir": Type.Optional(
      Type.String({
        minLength: 1,
        description: "Folder, relative to the working directory, where pushes wait while the broker is away.",
        "x-env": "DATA_DIR",
        "x-must": "must be a folder; leave it out to go without",
      }),
    ),
    "token-cache-dir": Type.String({
      pattern: "^(?!缓存access的根路径)",
      default: "",
      description: "Folder, relative to the working directory, where access tokens are kept between starts.",
      "x-must": 'must be a folder, or "" to keep tokens in memory only',
    }),
    "wx-api-base": baseUrl({
      required: true,
      default: "https://api.weixin.qq.com",
      description: "Base URL of WeChat's API.",
      "x-env": "WX_API_BASE",
    }),
    "log-level": Type.Enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
      default: "info",
      description: "The least grave log lines that are written.",
      "x-env": "LOG_LEVEL",
    }),
    "common-endpoints": commonEndpoints,
    "dont-append-userinfo": Type.Boolean({
      default: false,
      description: "Leaves out userInfo for all accounts that do not set it themselves.",
    }),
    consumers: Type.Array(
      Type.String({
        minLength: 1,
        description: "A JavaScript or TypeScript module, relative to the config file.",
        examples: ["./shop-consumer.mjs"],
        "x-must": 'must be the path of a module such as "./shop-consumer.mjs"',
      }),
      {
        default: [],
        description: "Modules whose handlers take pushes inside this process (start and dispatcher).",
      },
    ),
  },
  { description: "wx-bridge's config file.", "x-must": "must be an object: { ... }" },
);

/** The settings of a file that passed every check, with defaults filled in. */
export type Settings = Type.Static<typeof configSchema>;

/** The settings of one account. */
export type ServiceSettings = Type.Static<typeof serviceSchema>;
