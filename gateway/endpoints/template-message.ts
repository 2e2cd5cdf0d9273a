import { Failure } from "../../shared/failure.ts";
import type { Endpoint } from "./endpoint.ts";
import { jsonOf, JsonText, membersOf } from "./json-text.ts";

/**
 * `tmpl-msg`: sends a template message (开发者文档 "发送模板消息") and gives WeChat's whole answer. A value that is an object, with
 * a colour for one, goes out as it came; any other becomes the text of a `value`, numbers to the last digit.
 */
export const sendTemplateMessage: Endpoint = async ({ api, parameters }) => {
  const to = parameters.need("to", "to(user id)");
  const template = parameters.need("tid", "tid(template id)");
  const data = parameters.json("data");
  if (!data?.text.startsWith("{")) throw new Failure("ARGUMENT_MISSING", "data parameter as a map expected");
  const url = parameters.get("url");
  const miniprogram = readMiniprogram(parameters.json("mp"));
  const body = jsonOf([
    ["touser", to],
    ["template_id", template],
    ...(url === "" ? [] : [["url", url] as const]),
    ...(miniprogram === undefined ? [] : [["miniprogram", miniprogram] as const]),
    ["data", new JsonText(jsonOf(membersOf(data.text).map(([name, value]) => [name, withValue(value)])))],
  ]);
  const { text } = await api.call("/cgi-bin/message/template/send", { body });
  return { result: new JsonText(text) };
};

function withValue(value: JsonText): JsonText {
  if (value.text.startsWith("{")) return value;
  if (value.text === "null") return new JsonText('{"value":""}');
  return new JsonText(`{"value":${value.text.startsWith('"') ? value.text : JSON.stringify(value.text)}}`);
}

function readMiniprogram(mp: JsonText | undefined): Record<string, string> | undefined {
  if (!mp?.text.startsWith("{")) return undefined;
  const { appid, pagepath } = JSON.parse(mp.text) as Record<string, unknown>;
  if (typeof appid !== "string" || appid === "") return undefined;
  return { appid, ...(typeof pagepath === "string" && pagepath !== "" && { pagepath }) };
}
