import { Failure } from "../../shared/failure.ts";
import type { Endpoint } from "./endpoint.ts";

const temporary = "QR_STR_SCENE";
const actions = new Map([
  ["temp", temporary],
  ["forever", "QR_LIMIT_STR_SCENE"],
]);

/** Seconds that a temporary code is valid when `e` does not say it. */
const defaultLife = 30;

/** `wx-qr`: a QR code with a scene (开发者文档 "生成带参数的二维码"), always a text scene. */
export const makeQrCode: Endpoint = async ({ api, parameters }) => {
  const action = actions.get(parameters.need("t", "t(ype)"));
  if (action === undefined) throw new Failure("ARGUMENT_MISSING", 't(ype) value must be "temp" or "forever"');
  const life = action === temporary ? { expire_seconds: readLife(parameters.get("e")) } : {};
  const scene = { scene_str: parameters.get("sceneid") || "0" };
  const { json } = await api.call("/cgi-bin/qrcode/create", {
    body: { action_info: { scene }, action_name: action, ...life },
  });
  if (typeof json["ticket"] !== "string") throw new Failure("API_UNREACHABLE", "WeChat's answer holds no ticket");
  const ticketURL2ShowQrCode = `https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=${encodeURIComponent(json["ticket"])}`;
  return { result: { ticketURL2ShowQrCode, urlIncluedInQrcode: json["url"] ?? "" } };
};

function readLife(written: string): number {
  if (!/^([+-]?\d{1,9})?$/.test(written)) throw new Failure("ARGUMENT_MISSING", "e(xpire) must be a number of seconds");
  return Number(written) > 0 ? Number(written) : defaultLife;
}
