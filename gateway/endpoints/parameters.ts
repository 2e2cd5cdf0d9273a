import type { FastifyRequest } from "fastify";
import { Failure } from "../../shared/failure.ts";
import { membersOf, type JsonText } from "./json-text.ts";

/** The parameters of a call: those of its body, form or JSON, before those of its query. */
export interface Parameters {
  /** "" for one that is absent. Numbers in JSON are given as they are written there. */
  get(name: string): string;
  /** The same, refused with `ARGUMENT_MISSING` when empty; `words` name it to the caller. */
  need(name: string, words?: string): string;
  /** A member of a JSON body, as it came. */
  json(name: string): JsonText | undefined;
}

/** Reads a call's parameters, whatever its Content-Type; one that stands twice counts by its first value. */
export async function readParameters(request: FastifyRequest): Promise<Parameters> {
  const query = new URLSearchParams(request.url.split("?").slice(1).join("?"));
  const body = request.body instanceof Buffer ? request.body.toString("utf8").replace(/^\uFEFF/, "") : "";
  const isJson = /^\s*[{[]/.test(body);
  const members = isJson ? readMembers(body) : new Map<string, JsonText>();
  const form = isJson ? new URLSearchParams() : await readForm(body);

  function get(name: string): string {
    return plain(members.get(name)) || form.get(name) || query.get(name) || "";
  }

  return {
    get,
    need(name, words = name) {
      const value = get(name);
      if (value === "") throw new Failure("ARGUMENT_MISSING", `${words} parameter expected`);
      return value;
    },
    json: (name) => members.get(name),
  };
}

/** A form in either of its encodings. The parts of `multipart/form-data`, as PHP's curl sends an array, tell their boundary. */
async function readForm(body: string): Promise<URLSearchParams> {
  const boundary = /^--([^\r\n]{1,70})\r\n/.exec(body)?.[1];
  if (boundary === undefined) return new URLSearchParams(body);
  try {
    const headers = { "content-type": `multipart/form-data; boundary="${boundary}"` };
    const form = new URLSearchParams();
    for (const [name, value] of await new Response(body, { headers }).formData()) {
      if (typeof value === "string") form.append(name, value);
    }
    return form;
  } catch {
    throw new Failure("ARGUMENT_MISSING", "the body is not a valid form");
  }
}

function readMembers(body: string): Map<string, JsonText> {
  try {
    JSON.parse(body);
    return new Map(membersOf(body));
  } catch {
    throw new Failure("ARGUMENT_MISSING", "the body is not valid JSON");
  }
}

function plain(member: JsonText | undefined): string {
  if (member === undefined || /^([{[]|null$)/.test(member.text)) return "";
  return member.text.startsWith('"') ? String(JSON.parse(member.text)) : member.text;
}
