import { createSecureContext } from "node:tls";
import { orderedSuffix } from "../bus/names.ts";
import { codeOf } from "../code-of.ts";
import { internalHost, internalPaths, internalPorts } from "./config.ts";
import { pathOf, type Report } from "./report.ts";
import type { ServiceSettings, Settings } from "./schema.ts";

type Partly<T> = T extends readonly (infer Item)[]
  ? (Partly<Item> | undefined)[]
  : T extends object
    ? { [Key in keyof T]?: Partly<T[Key]> | undefined }
    : T;

/** Settings as read from a file that may have faults: what is wrong is absent. */
export type PartlySettings = Partly<Settings>;
type PartlyService = Partly<ServiceSettings>;

/** Reports as faults what single settings cannot tell: values that contradict, lack or repeat each other. */
export function checkRules(settings: PartlySettings, report: Report): void {
  const services = [...(settings.services ?? []).entries()];
  for (const [index, service] of services) checkService(service ?? {}, pathOf("services", index), report);
  const names = services.map(([index, service]) => [`services[${index}].name`, service?.name] as const);
  reportRepeated(names, "every service needs a name of its own", report);
  for (const [index, service] of services) checkQueueName(service ?? {}, pathOf("services", index), names, report);
  for (const paths of routesOf(settings)) reportRepeated(paths, "every path can lead to one place only", report);
  if (hasInternalListener(settings)) checkInternalPaths(settings["common-endpoints"] ?? {}, report);
  checkPorts(settings, report);
  checkAmqp(settings.amqp ?? {}, report);
}

function checkService(service: PartlyService, path: string, report: Report): void {
  const { "wx-params": params = {}, "listen-endpoints": endpoints = {} } = service;
  if (service.delivery === "http" && service["msg-proxy-pass"] === "") {
    report.fault(`${path}.delivery`, '"http" needs msg-proxy-pass, the URL of the backend');
  }
  if (service["redirect-url"] && endpoints["redirect-path"] === "") {
    report.fault(`${path}.redirect-url`, "needs listen-endpoints.redirect-path, the path whose requests are passed on");
  }
  if (params["aes-key"] && params["app-id"] === "") {
    report.fault(`${path}.wx-params.app-id`, "is missing; with an aes-key, replies are sealed for the AppID");
  }
  if (service["allow-from"] === "wechat" && (params["app-id"] === "" || params["app-secret"] === "")) {
    report.fault(
      `${path}.allow-from`,
      '"wechat" needs wx-params.app-id and app-secret, to ask WeChat for its addresses',
    );
  }
}

/** The queue of an ordered account has a name that the plain queue of another one may have, too. */
function checkQueueName(
  { name, ordering }: PartlyService,
  path: string,
  names: (readonly [string, string | undefined])[],
  report: Report,
): void {
  if (ordering !== "user" || name === undefined) return;
  const [other] = names.find(([, each]) => each === name + orderedSuffix) ?? [];
  if (other !== undefined) {
    report.fault(
      `${path}.ordering`,
      `"user" takes the queue of "${name}${orderedSuffix}", which is ${other}; rename one`,
    );
  }
}

/** The health check may have one of them: it is then on the public listener alone. */
function checkInternalPaths(endpoints: NonNullable<PartlySettings["common-endpoints"]>, report: Report): void {
  const own: readonly string[] = internalPaths;
  for (const [key, path] of Object.entries(endpoints)) {
    if (!path || key === "health-check" || !own.includes(path)) continue;
    report.fault(`common-endpoints.${key}`, `"${path}" is the internal listener's own; choose another path`);
  }
}

/**
 * The paths of each listener, with the settings that they come from; the health check is on both. A redirect-path
 * without redirect-url is none.
 */
function routesOf(settings: PartlySettings): (readonly [string, string | undefined])[][] {
  const pushes = (settings.services ?? []).flatMap((service, index) =>
    Object.entries(service?.["listen-endpoints"] ?? {})
      .filter(([key]) => key !== "redirect-path" || service?.["redirect-url"] !== "")
      .map(([key, path]) => [`services[${index}].listen-endpoints.${key}`, path] as const),
  );
  const common = Object.entries(settings["common-endpoints"] ?? {}).map(
    ([key, path]) => [`common-endpoints.${key}`, path] as const,
  );
  if (!hasInternalListener(settings)) return [[...pushes, ...common]];
  const health = common.filter(([setting]) => setting === "common-endpoints.health-check");
  return [[...pushes, ...health], common];
}

function reportRepeated(values: (readonly [string, string | undefined])[], rule: string, report: Report): void {
  const first = new Map<string, string>();
  for (const [path, value] of values) {
    if (!value) continue;
    const other = first.get(value);
    if (other === undefined) first.set(value, path);
    else report.fault(path, `"${value}" is also ${other}; ${rule}`);
  }
}

function checkPorts(settings: PartlySettings, report: Report): void {
  const port = settings["listen-port"];
  const internalPort = settings["internal-listen-port"] ?? internalPorts.gateway;
  if (port === 0 || port !== internalPort) return;
  const hosts = [settings["listen-host"], settings["internal-listen-host"] ?? internalHost];
  if (hosts[0] !== hosts[1] && !hosts.some(isEveryInterface)) return;
  report.fault("listen-port", `is the internal listener's port, too; set internal-listen-port to another one`);
}

function isEveryInterface(host: string | undefined): boolean {
  return host === "" || host === "0.0.0.0" || host === "::";
}

function checkAmqp(amqp: NonNullable<PartlySettings["amqp"]>, report: Report): void {
  if (amqp.url !== undefined && amqp.urls !== undefined) report.fault("amqp.urls", "stands beside amqp.url; keep one");
  const { ca, cert, key } = amqp.tls ?? {};
  if ((cert === undefined) !== (key === undefined)) {
    report.fault("amqp.tls", "cert and key go together; one of them is missing or wrong");
    return;
  }
  try {
    createSecureContext({ ca, cert, key });
  } catch (error) {
    report.fault("amqp.tls", `ca, cert and key cannot be used together (${codeOf(error, "unknown error")})`);
  }
}

/** Tells whether the file (or the environment) configures the internal listener. */
export function hasInternalListener(settings: PartlySettings): boolean {
  return settings["internal-listen-host"] !== undefined || settings["internal-listen-port"] !== undefined;
}
