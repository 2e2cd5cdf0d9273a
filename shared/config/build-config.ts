import { resolve } from "node:path";
import { defaultPrefix } from "../bus/names.ts";
import { hasInternalListener } from "./check-rules.ts";
import { internalHost, type Account, type Broker, type CommonEndpoint, type Config } from "./config.ts";
import { parseDuration, retryDelayOf } from "./duration.ts";
import type { ServiceSettings, Settings } from "./schema.ts";

/** The config that settings without faults describe; modules are relative to `baseDir`. */
export function buildConfig(settings: Settings, baseDir: string): Config {
  return {
    listenHost: settings["listen-host"],
    listenPort: settings["listen-port"],
    internalListenHost: settings["internal-listen-host"] ?? internalHost,
    internalListenPort: settings["internal-listen-port"],
    internalListenerSet: hasInternalListener(settings),
    accounts: settings.services.map((service) => buildAccount(service, settings["dont-append-userinfo"])),
    ...buildBroker(settings.amqp),
    dataDir: settings["data-dir"],
    tokenCacheDir: settings["token-cache-dir"] || undefined,
    wxApiBase: trimSlashes(settings["wx-api-base"]),
    logLevel: settings["log-level"],
    commonEndpoints: writtenOnes(settings["common-endpoints"]),
    consumers: settings.consumers.map((module) => resolve(baseDir, module)),
  };
}

/** The broker's part of a config. */
export function buildBroker(amqp: Settings["amqp"]): Broker {
  const urls = amqp?.urls ?? (amqp?.url === undefined ? undefined : [amqp.url]);
  return { amqp: urls && { urls, tls: amqp?.tls }, amqpPrefix: amqp?.prefix ?? defaultPrefix };
}

function buildAccount(service: ServiceSettings, dontAppendUserInfo: boolean): Account {
  const { "wx-params": params, "listen-endpoints": endpoints } = service;
  return {
    name: service.name,
    token: params.token,
    previousToken: service["previous-token"] || undefined,
    appId: params["app-id"],
    appSecret: params["app-secret"],
    aesKey: params["aes-key"] || undefined,
    previousAesKey: service["previous-aes-key"] || undefined,
    timeout: service.timeout,
    servicePath: endpoints["service-path"],
    redirectPath: endpoints["redirect-path"] || undefined,
    redirectUrl: service["redirect-url"] || undefined,
    redirectUserinfoFlag: service["redirect-userinfo-flag"] || undefined,
    msgProxyPass: trimSlashes(service["msg-proxy-pass"]) || undefined,
    isChannelsEc: service["is-channels-ec"],
    appendUserInfo: !service["is-channels-ec"] && !(service["dont-append-userinfo"] ?? dontAppendUserInfo),
    delivery: deliveryOf(service),
    fanOut: service["fan-out"],
    reply: service.reply,
    replyBudget: parseDuration(service["reply-budget"]) ?? 0,
    replyWindow: service["reply-window"],
    lateReply: service["late-reply"],
    backendTimeout: parseDuration(service["backend-timeout"]) ?? 0,
    retry: service.retry.map(retryDelayOf),
    unhandled: service.unhandled,
    ordering: service.ordering,
    concurrency: service.concurrency,
    allowPlaintext: service["allow-plaintext"],
    allowFrom: service["allow-from"],
    webhookSecret: service["webhook-secret"],
    tokenApi: service["token-api"],
  };
}

function deliveryOf(service: ServiceSettings): Account["delivery"] {
  if (service.delivery !== undefined) return service.delivery;
  if (service["msg-proxy-pass"] !== "") return "http";
  return service["fan-out"] ? "amqp" : "echo";
}

function trimSlashes(url: string): string {
  return url.replace(/\/+$/, "");
}

function writtenOnes(endpoints: Record<CommonEndpoint, string>): Partial<Record<CommonEndpoint, string>> {
  const written = Object.entries(endpoints).filter(([, path]) => path !== "");
  return Object.fromEntries(written);
}
