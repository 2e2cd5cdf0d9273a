import { readFileSync } from "node:fs";
import { Ajv, type ValidateFunction } from "ajv";
import type { ConsumeMessage, GetMessage, MessageProperties } from "amqplib";

interface MessageDefinition {
  headers: { $ref: string };
  payload: { $ref: string };
  "x-properties": { $ref: string };
  bindings?: { amqp: { messageType: string } };
}

interface Binding {
  exchange?: { name: string; type: string; "x-arguments"?: object };
  queue?: { name: string; "x-arguments"?: object };
}

interface AsyncapiDocument {
  channels: Record<string, { messages: Record<string, { $ref: string }>; bindings: { amqp: Binding } }>;
  components: {
    messages: Record<string, MessageDefinition>;
    schemas: Record<string, { anyOf?: { title?: string }[] }>;
  };
}

/** The AMQP contract as it is committed, read by nothing but a JSON Schema validator. */
export const document = JSON.parse(
  readFileSync(new URL("../../docs/asyncapi.json", import.meta.url), "utf8"),
) as AsyncapiDocument;

const ajv = new Ajv({ strict: false, allErrors: true }).addSchema(document, "asyncapi.json");
const validators = new Map<string, ValidateFunction>();

function validatorOf(pointer: string): ValidateFunction {
  const known = validators.get(pointer) ?? ajv.compile({ $ref: `asyncapi.json${pointer}` });
  validators.set(pointer, known);
  return known;
}

/** What a schema of the document has against a value. */
export function faultsOf(pointer: string, value: unknown): string[] {
  const validate = validatorOf(pointer);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${pointer}${instancePath}: ${message} ${JSON.stringify(params)}`,
  );
}

/** Where an event that came as XML is described: stricter than its payload, which may be JSON of WeChat's own. */
export function documentedPointer(routingKey: string): string | undefined {
  return Object.hasOwn(document.components.schemas, routingKey)
    ? `#/components/schemas/${routingKey}/anyOf/0`
    : undefined;
}

/**
 * The name of the one message of a channel that a message from the broker is, by its properties, headers and body.
 * Throws with what each candidate has against it when there is none, or when there are two.
 */
export function identify(channel: string, message: ConsumeMessage | GetMessage): string {
  const names = Object.keys(document.channels[channel]?.messages ?? {});
  const faults = new Map(names.map((name) => [name, faultsOfMessage(name, message)]));
  const fitting = names.filter((name) => faults.get(name)?.length === 0);
  if (fitting.length === 1) return fitting[0] as string;
  const own = message.properties.type as string | undefined;
  const likely = names.filter((name) => name === own || !name.includes("."));
  throw new Error(
    `${fitting.length} messages of ${channel} fit ${own}: ${fitting.join(", ")}\n${likely.map((name) => `${name}: ${faults.get(name)?.join("\n  ")}`).join("\n")}\n${JSON.stringify(message.properties)}`,
  );
}

function faultsOfMessage(name: string, { properties, content }: ConsumeMessage | GetMessage): string[] {
  const definition = document.components.messages[name] as MessageDefinition;
  const type = definition.bindings?.amqp.messageType;
  if (type !== undefined && type !== properties.type) return [`its type is not ${type}`];
  return [
    ...faultsOf(definition["x-properties"].$ref, amqpNames(properties)),
    ...faultsOf(definition.headers.$ref, plain(properties.headers ?? {})),
    ...faultsOf(definition.payload.$ref, JSON.parse(content.toString())),
  ];
}

/** Properties under AMQP's own names, those that were set; headers are apart. */
function amqpNames(properties: MessageProperties): object {
  const set = Object.entries(properties).filter(([name, value]) => name !== "headers" && value !== undefined);
  return Object.fromEntries(
    set.map(([name, value]) => [name.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), plain(value)]),
  );
}

/** amqplib reads 64-bit numbers as bigint when they need it. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}
