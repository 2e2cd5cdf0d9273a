import { readFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { Compile } from "typebox/schema";

interface Json {
  [name: string]: Json;
}

export interface Operation {
  operationId: string;
  parameters?: { name: string; in: string; required: boolean }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}
type Methods = Record<string, Operation>;

interface OpenapiDocument {
  paths: Record<string, Methods>;
  webhooks: Record<string, { post: Operation }>;
  components: { schemas: Record<string, object> };
}

const text = readFileSync(new URL("../../docs/openapi.json", import.meta.url), "utf8");

/** The HTTP side as it is committed, with a copy in the place of each reference. */
export const document = resolve(JSON.parse(text)) as OpenapiDocument;

const validators = new Map<object, ReturnType<typeof Compile>>();

/** What a schema of the document has against a value. */
export function faultsOf(schema: object, value: unknown): string[] {
  const validator = validators.get(schema) ?? Compile(schema);
  validators.set(schema, validator);
  if (validator.Check(value)) return [];
  const [, errors] = validator.Errors(value);
  return errors.map(({ instancePath, message }) => `${instancePath} ${message}`);
}

export interface GivenAnswer {
  status: number;
  type: string | undefined;
  body: string;
}

/** What the document has against an answer of an operation; `response` is the response that stands for it. */
export function checkAnswer(operation: Operation, answer: GivenAnswer): { response: string; faults: string[] } {
  const candidates = [String(answer.status), `${Math.floor(answer.status / 100)}XX`, "default"];
  const response = candidates.find((name) => name in operation.responses);
  if (response === undefined) return { response: "", faults: [`status ${answer.status} is not documented`] };
  const { content } = operation.responses[response] ?? {};
  if (content === undefined) return { response, faults: [] };
  return { response, faults: faultsOfContent(content, answer.type, answer.body) };
}

/** What the document has against a request that a backend got. */
export function faultsOfRequest(operation: Operation, headers: IncomingHttpHeaders, body: string): string[] {
  const missing = (operation.parameters ?? []).filter(({ name, required }) => required && !headers[name.toLowerCase()]);
  return [
    ...missing.map(({ name }) => `${name} is missing`),
    ...faultsOfContent(operation.requestBody?.content ?? {}, headers["content-type"], body),
  ];
}

function faultsOfContent(content: Record<string, { schema: object }>, type = "", body: string): string[] {
  const found = content[type];
  if (found === undefined) return [`type "${type}" is none of ${Object.keys(content).join(", ")}`];
  return faultsOf(found.schema, /json/.test(type) ? (JSON.parse(body) as unknown) : body);
}

function resolve(root: Json): unknown {
  const inside = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(inside);
    if (typeof value !== "object" || value === null) return value;
    const { $ref } = value as { $ref?: unknown };
    if (typeof $ref === "string") return inside(target(root, $ref));
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, inside(each)]));
  };
  return inside(root);
}

function target(root: Json, ref: string): unknown {
  const steps = ref.replace(/^#\//, "").split("/");
  const found = steps.reduce<Json | undefined>((part, step) => part?.[step], root);
  if (found === undefined) throw new Error(`${ref} leads nowhere`);
  return found;
}
