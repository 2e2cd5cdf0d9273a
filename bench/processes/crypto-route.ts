/** `crypto-route.ts <backend port>`: the bare route with what WeChat's safe mode cannot do without, no more. */
import { jsonOf, openPush, sealReply, type Fields } from "./safe-mode.ts";
import { createForward, servePushes } from "./yardstick.ts";

const forward = createForward(Number(process.argv[2]));

await servePushes("text/xml; charset=utf-8", async ({ query, body }) => {
  const push = openPush(query as Fields, body as Buffer);
  const answer = await forward(`/msg/${push["MsgType"]}`, "application/json", jsonOf(push));
  return sealReply(answer, push, query as Fields);
});
