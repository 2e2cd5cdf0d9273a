import type { Options } from "amqplib";

/** Seconds between heartbeats: a dead peer is noticed after two and a half of them. */
const HEARTBEAT = 10;

/** What amqplib connects to; the parts that a URL leaves out are RabbitMQ's defaults. */
export function parseUrl(text: string): Options.Connect {
  const url = new URL(text);
  const protocol = url.protocol.slice(0, -1);
  return {
    protocol,
    hostname: url.hostname.replaceAll(/^\[|\]$/g, ""),
    port: Number(url.port) || (protocol === "amqps" ? 5671 : 5672),
    username: decodeURIComponent(url.username) || "guest",
    password: decodeURIComponent(url.password) || "guest",
    vhost: url.pathname.slice(1) || "/", // amqplib decodes it
    heartbeat: Number(url.searchParams.get("heartbeat") ?? HEARTBEAT),
  };
}
