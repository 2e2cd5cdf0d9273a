import { createHmac } from "node:crypto";
import type { Account } from "../shared/config/config.ts";
import type { Event } from "../shared/envelope.ts";
import { readReply, success, tooLong, type ReadReply } from "../shared/reply.ts";
import { pathOf } from "../shared/wechat/routing-key.ts";
import { describeNetworkError, type BackendAnswer, type BackendClient } from "./backend-client.ts";
import type { Breaker } from "./breaker.ts";
import type { Verdict } from "./verdict.ts";

/** Statuses that say "not now" although they are no 5xx, and those that say "not this kind". */
const tryAgain = new Set([408, 425, 429]);
const notHandled = new Set([404, 405, 410, 501]);

/** POSTs events of an account to `<msg-proxy-pass>/msg/text` and so on, and judges the answer. Never rejects. */
export function createForward(account: Account, client: BackendClient, breaker: Breaker) {
  const base = account.msgProxyPass ?? "";
  const service = encodeURIComponent(account.name);
  const sign = account.webhookSecret === undefined ? undefined : createWebhookSigner(account.webhookSecret);

  return async function forward(event: Event, body: Buffer): Promise<Verdict> {
    // without a retry ladder there is nowhere to wait for the backend's return
    if (account.retry.length > 0 && !breaker.admit())
      return { kind: "unavailable", error: "the backend failed too often in a row" };
    const verdict = await ask(event, body);
    breaker.report(verdict.kind !== "failed");
    return verdict;
  };

  async function ask(event: Event, body: Buffer): Promise<Verdict> {
    try {
      const url = base + pathOf(event.routingKey);
      return judge(await client.post(url, headersOf(event, body), body, account.backendTimeout));
    } catch (error) {
      return { kind: "failed", error: describeNetworkError(error) };
    }
  }

  function judge({ status, text }: BackendAnswer): Verdict {
    const error = `status ${status}`;
    if (status >= 200 && status < 300) return { kind: "taken", ...replyIn(text) };
    if (notHandled.has(status)) return { kind: "unhandled", error };
    if (status >= 500 || tryAgain.has(status)) return { kind: "failed", error };
    return { kind: "rejected", error };
  }

  /** A backend that answers nothing at all has nothing to say: no fault. */
  function replyIn(text: BackendAnswer["text"]): ReadReply {
    if (text === undefined) return tooLong;
    return text === "" ? { reply: success } : readReply(text, { raw: account.isChannelsEc });
  }

  function headersOf(event: Event, body: Buffer): Record<string, string> {
    const headers: Record<string, string> = {
      "content-type": "application/json; charset=UTF-8",
      "user-agent": "wx-bridge",
      "x-wx-event-id": event.identity,
      "x-wx-service": service,
      "x-wx-attempt": String(event.attempt),
      "x-wx-deadline": String(Math.round(event.deadline)),
    };
    if (event.traceparent !== undefined) headers["traceparent"] = event.traceparent;
    return sign === undefined ? headers : { ...headers, ...sign(event.identity, body) };
  }
}

/** Signs requests as Standard Webhooks lays down: HMAC-SHA256 over id, timestamp and body with the decoded secret. */
function createWebhookSigner(secret: string): (id: string, body: Buffer) => Record<string, string> {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  return (id, body) => {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signature = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
    return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
  };
}
