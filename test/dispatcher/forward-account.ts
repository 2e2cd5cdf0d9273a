import { createBackendClient } from "../../dispatcher/backend-client.ts";
import { createBreaker } from "../../dispatcher/breaker.ts";
import { createForward } from "../../dispatcher/forward.ts";
import type { Event } from "../../shared/envelope.ts";
import { createBackend, type BackendHandler } from "../support/backend-server.ts";
import type { Closing } from "../support/loopback-server.ts";
import { accountOf } from "../shared/config/sample-config.ts";

/** An event as the dispatcher hands it on; `changes` replace single properties. */
export function eventOf(changes: Partial<Event> = {}): Event {
  return {
    identity: "shop/oUSER/22277834746191186",
    service: "shop",
    routingKey: "msg.text",
    attempt: 1,
    deadline: Date.now() + 4500,
    replyTo: "wx.replies.i",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    body: Buffer.from(`{"MsgType":"text","Content":"你好"}`),
    ...changes,
  };
}

/** An account that forwards to a real backend. `url` makes msg-proxy-pass from the backend's own URL. */
export async function createForwarding(
  t: Closing,
  {
    handler,
    settings = {},
    url = (base) => base,
  }: { handler?: BackendHandler; settings?: object; url?: (base: string) => string } = {},
) {
  const backend = await createBackend(t, handler);
  const account = await accountOf({ "msg-proxy-pass": url(backend.url), ...settings });
  const client = createBackendClient();
  t.after(() => client.close());
  const breaker = createBreaker();
  const forward = createForward(account, client, breaker);
  const send = (event = eventOf()) => forward(event, event.body);
  return { backend, breaker, send };
}
