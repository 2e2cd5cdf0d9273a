import { resolve } from "node:path";
import { decodePath } from "../decode-path.ts";
import type { Account, Config } from "./config.ts";
import { pathOf, type Report } from "./report.ts";
import { visible } from "./schema-types.ts";
import type { Settings } from "./schema.ts";
import { whyNotWritable } from "./writable.ts";

const visibleText = new RegExp(visible);

/** Warns of what works, but hardly as meant: protection given up, settings without effect, calls bound to fail. */
export function checkDoubts(config: Config, settings: Settings, report: Report): void {
  for (const [index, account] of config.accounts.entries()) {
    const path = pathOf("services", index);
    const { workerNum = 1, "listen-endpoints": endpoints = {} } = settings.services[index] ?? {};
    warnOfEncodedPaths(endpoints, `${path}.listen-endpoints`, report);
    if (workerNum <= 0) report.warn(`${path}.workerNum`, "limits nothing here, whatever its value; leave it out");
    warnOfForgery(account, path, report);
    warnOfIdleSettings(account, path, report);
    warnOfFailingCalls(account, config, path, report);
    if (config.amqp === undefined && config.consumers.length === 0) warnOfLackingBroker(account, path, report);
  }
  warnOfEncodedPaths(settings["common-endpoints"], "common-endpoints", report);
  warnOfIdleCache(config, report);
  warnOfOpenEndpoints(config, report);
  warnOfIdleTls(config, report);
}

/** A request's path is decoded before it is looked for, so that one with a percent sign is hardly meant. */
function warnOfEncodedPaths(paths: Readonly<Record<string, string>>, parent: string, report: Report): void {
  for (const [key, path] of Object.entries(paths)) {
    if (!path.includes("%")) continue;
    const decoded = decodePath(path);
    const advice = /[%*\s]/.test(decoded) ? 'choose one without "%"' : `write "${decoded}"`;
    report.warn(pathOf(parent, key), `matches no request, as paths are decoded before they are compared; ${advice}`);
  }
}

function warnOfForgery(account: Account, path: string, report: Report): void {
  if (account.aesKey !== undefined) {
    if (!account.allowPlaintext) return;
    const advice = "take it out once the account is in safe mode (安全模式)";
    report.warn(
      `${path}.allow-plaintext`,
      `plaintext pushes are taken, whose signature never covers the body; ${advice}`,
    );
    return;
  }
  if (account.isChannelsEc) {
    report.warn(`${path}.wx-params.aes-key`, "is empty, but stores push in safe mode only; set the EncodingAESKey");
  }
  const cause = "the signature of a plaintext push never covers its body: whoever has seen one URL can forge pushes";
  const advice = "choose safe mode (安全模式) and set the EncodingAESKey";
  const warning =
    account.timeout === 0
      ? `DANGER: ${cause} FOR EVER, as timeout is 0; set timeout to 300, ${advice}`
      : `is empty, and ${cause} for ${account.timeout} s; ${advice}`;
  report.warn(`${path}.wx-params.aes-key`, warning);
}

function warnOfIdleSettings(account: Account, path: string, report: Report): void {
  if (account.previousAesKey !== undefined && account.aesKey === undefined) {
    report.warn(`${path}.previous-aes-key`, "has no effect without wx-params.aes-key");
  }
  if (account.redirectPath !== undefined && account.redirectUrl === undefined) {
    report.warn(`${path}.listen-endpoints.redirect-path`, "has no effect without redirect-url; there is no such route");
  }
  if (account.redirectUserinfoFlag !== undefined && !visibleText.test(account.redirectUserinfoFlag)) {
    const advice = 'write a part of the URL such as "login", or ""';
    report.warn(
      `${path}.redirect-userinfo-flag`,
      `never occurs in a URL, which holds no white space and nothing beyond ASCII; ${advice}`,
    );
  }
  if (account.msgProxyPass !== undefined && account.delivery !== "http") {
    report.warn(`${path}.msg-proxy-pass`, `has no effect, as delivery is "${account.delivery}"`);
  }
  if (account.webhookSecret !== undefined && account.delivery !== "http") {
    report.warn(`${path}.webhook-secret`, `has no effect, as delivery is "${account.delivery}"`);
  }
  if (account.ordering === "user" && account.delivery === "amqp" && !account.fanOut) {
    report.warn(`${path}.ordering`, 'has no effect, as delivery is "amqp" without fan-out: no dispatcher is involved');
  }
  if (account.lateReply === "customer-service" && account.isChannelsEc) {
    report.warn(
      `${path}.late-reply`,
      "has no effect: a store's replies are answers to WeChat and say nothing to a user",
    );
  }
  for (const [index, pattern] of account.reply.entries()) {
    if (/^(msg|event|info)\.|^[*#]/.test(pattern)) continue;
    report.warn(`${path}.reply[${index}]`, 'matches nothing; routing keys look like "msg.text", "event.subscribe"');
  }
}

function warnOfFailingCalls(account: Account, config: Config, path: string, report: Report): void {
  const missing = [account.appId === "" && "app-id", account.appSecret === "" && "app-secret"].filter((key) => key);
  const calls = [
    account.appendUserInfo && (account.delivery === "http" || account.fanOut) && "userInfo",
    account.redirectUrl !== undefined && "redirect-url",
    account.lateReply === "customer-service" && "late-reply",
    openEndpoints(config).length > 0 && "common-endpoints",
  ].filter((call) => call);
  if (missing.length === 0 || calls.length === 0) return;
  const verb = missing.length === 1 ? "is" : "are";
  report.warn(`${path}.wx-params`, `${missing.join(" and ")} ${verb} missing, so WeChat refuses: ${calls.join(", ")}`);
}

function warnOfLackingBroker(account: Account, path: string, report: Report): void {
  if (account.delivery === "amqp") {
    report.warn(`${path}.delivery`, '"amqp" without amqp.url: inside one process nobody else can take the pushes');
  } else if (account.fanOut) {
    report.warn(`${path}.fan-out`, "has no effect without amqp.url");
  }
}

/** No fault: go-wx-gateway starts with such a folder, and so it may stand in its configs. */
function warnOfIdleCache({ tokenCacheDir }: Config, report: Report): void {
  if (tokenCacheDir === undefined) return;
  const folder = resolve(tokenCacheDir);
  const reason = whyNotWritable(folder);
  if (reason === undefined) return;
  const advice = "name a folder that this user can write to";
  report.warn("token-cache-dir", `${folder} cannot be used (${reason}), so tokens are kept in memory only; ${advice}`);
}

function warnOfOpenEndpoints(config: Config, report: Report): void {
  const open = openEndpoints(config);
  if (config.internalListenerSet || open.length === 0) return;
  const advice = "set internal-listen-port to move them to the internal listener";
  report.warn("common-endpoints", `anybody can call ${open.join(", ")} on the public port; ${advice}`);
}

/** The endpoints that act in the account's name: all but the health check. */
function openEndpoints(config: Config): string[] {
  return Object.keys(config.commonEndpoints).filter((endpoint) => endpoint !== "health-check");
}

function warnOfIdleTls(config: Config, report: Report): void {
  const { tls, urls = [] } = config.amqp ?? {};
  if (tls === undefined || urls.some((url) => url.startsWith("amqps:"))) return;
  report.warn("amqp.tls", "has no effect, as no URL begins with amqps://");
}
