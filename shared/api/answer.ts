import { escapeControls } from "../escape-controls.ts";
import { Failure } from "../failure.ts";
import { isRecord } from "../is-record.ts";
import { ApiFailure } from "./api-failure.ts";

/** What WeChat's API answered. */
export interface WechatAnswer {
  /** The JSON as it came, but for control characters in strings: every field, every digit of every number. */
  text: string;
  /** The same, parsed: numbers above 2^53 lose digits here. */
  json: Readonly<Record<string, unknown>>;
}

/** Longest errmsg that is passed on, in characters. */
const maxErrmsg = 500;

/**
 * Opens the body of an answer to `what`. Throws an `ApiFailure` for an errcode other than 0, and `API_UNREACHABLE` when
 * it is not a JSON object: such an answer comes from something between WeChat and us.
 */
export function openAnswer(sent: string, what: string, secrets: readonly string[]): WechatAnswer {
  const { text, json } = readObject(sent) ?? readObject(escapeControls(sent)) ?? {};
  if (text === undefined || json === undefined) {
    throw new Failure("API_UNREACHABLE", `${what}: the answer is not a JSON object`);
  }
  const errcode = Number(json["errcode"] ?? 0);
  if (errcode !== 0) throw new ApiFailure(errcode, blot(errmsgOf(json, errcode), secrets).slice(0, maxErrmsg));
  return { text, json };
}

function readObject(text: string): WechatAnswer | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isRecord(json) ? { text, json } : undefined;
  } catch {
    return undefined;
  }
}

function errmsgOf({ errmsg }: Record<string, unknown>, errcode: number): string {
  return typeof errmsg === "string" && errmsg !== "" ? errmsg : `errcode ${errcode}`;
}

function blot(text: string, secrets: readonly string[]): string {
  const forms = secrets.flatMap((secret) => [secret, encodeURIComponent(secret.toWellFormed())]);
  return forms.filter(Boolean).reduce((rest, form) => rest.replaceAll(form, "***"), text);
}
