/**
 * `steps.ts`: the bridge's own functions, and the yardsticks' beside them, one at a time and without a network. Every call
 * has an input of its own. Asked for a round, it tells each step's calls a second.
 */
import { Bench, type TaskResult } from "tinybench";
import { createPushOpener } from "../../gateway/open-push.ts";
import { renderReply, sealAnswer } from "../../gateway/render-reply.ts";
import type { Account } from "../../shared/config/config.ts";
import { readConfig } from "../../shared/config/load.ts";
import { eventProperties } from "../../shared/envelope.ts";
import { readReply } from "../../shared/reply.ts";
import { parsePush } from "../../shared/wechat/push.ts";
import { createSealer } from "../../shared/wechat/sealing.ts";
import { account, sampleConfig } from "../support/account.ts";
import { makePushes } from "./make-pushes.ts";
import { serveParent } from "./parent.ts";
import { jsonOf, openPush, sealReply } from "./safe-mode.ts";
import { answerTo } from "./thanks.ts";

const CALLS = 20_000;
const WARM_UP = 5000;
const BUDGET = 4500;

const { config } = await readConfig(sampleConfig({ port: 0, internalPort: 0, backend: 1 }));
const [bridgeAccount] = config.accounts as [Account];
const opener = createPushOpener(bridgeAccount);
const sealer = createSealer(account.aesKey);

/** What each step works on, made by the steps before it. */
function makeInput(request: Buffer) {
  const text = request.toString("latin1");
  const query = Object.fromEntries(new URL(text.split(" ", 2)[1] ?? "", "http://localhost").searchParams);
  const body = request.subarray(request.indexOf("\r\n\r\n") + 4);
  const encrypt = /<Encrypt><!\[CDATA\[(.*?)\]\]>/.exec(text)?.[1] ?? "";
  // verified queries are remembered: the one that is measured has not been seen
  const { push, seal } = opener.open({ ...query }, body);
  const { content } = sealer.open(encrypt);
  const answer = answerTo(Buffer.from(push.json));
  const reply = renderReply(readReply(answer).reply, push);
  return { query, body, encrypt, push, seal, content, answer, reply, fields: openPush(query, body) };
}

type Input = ReturnType<typeof makeInput>;

const steps: Record<string, (input: Input) => unknown> = {
  open: ({ encrypt }) => sealer.open(encrypt),
  parse: ({ content }) => parsePush(content, bridgeAccount.name),
  encode: ({ push }) => [
    Buffer.from(push.json),
    eventProperties(push, { appId: account.appId, deadline: Date.now() + BUDGET, replyTo: "wx.replies.bench" }),
  ],
  render: ({ answer, push }) => renderReply(readReply(answer).reply, push),
  seal: ({ reply, seal }) => sealAnswer(reply, seal),
  "whole push": ({ query, body }) => opener.open(query, body),
  "whole reply": ({ answer, push, seal }) => sealAnswer(renderReply(readReply(answer).reply, push), seal),
  "crypto route's whole push": ({ query, body }) => jsonOf(openPush(query, body)),
  "crypto route's whole reply": ({ answer, fields, query }) => sealReply(answer, fields, query),
};
/** What a step gave last: nothing may be left out as unused. */
let kept: unknown;

async function measure(first: number): Promise<Record<string, number>> {
  const pushes = makePushes({ first, count: WARM_UP + CALLS });
  const inputs = Array.from({ length: pushes.count }, (_, index) => makeInput(pushes.requestTo(0, index)));
  const bench = new Bench({ iterations: CALLS, time: 0, warmupIterations: WARM_UP, warmupTime: 0, throws: true });
  for (const [name, step] of Object.entries(steps)) {
    let next = 0;
    bench.add(name, () => void (kept = step(inputs.at(next++) as Input)), { async: false });
  }
  await bench.run();
  if (kept === undefined) throw new Error("nothing was done");
  return Object.fromEntries(bench.tasks.map(({ name, result }) => [name, callsASecond(result)]));
}

function callsASecond(result: TaskResult): number {
  if (result.state !== "completed") throw new Error(`a step was ${result.state}`);
  return 1000 / result.latency.mean;
}

serveParent(0, (question) => measure((question as { first: number }).first));
