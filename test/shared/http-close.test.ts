import assert from "node:assert/strict";
import { once, EventEmitter } from "node:events";
import { connect, type AddressInfo, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import Fastify from "fastify";
import { createHttpClose } from "../../shared/http-close.ts";
import { until } from "../support/until.ts";

const head = "POST / HTTP/1.1\r\nHost: gateway\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n";
const answerThatCloses = /^HTTP\/1\.1 200 OK\r\n([^]*\r\n)?connection: close\r\n[^]*\r\n\r\nanswer$/i;

/** Answers when it is let. Emits `head` when a request's head is there, `whole` when its body is. */
async function createServer(t: TestContext) {
  const app = Fastify();
  const requests = new EventEmitter();
  const { promise, resolve: answer } = Promise.withResolvers<void>();
  app.addHook("onRequest", async () => void requests.emit("head"));
  const close = createHttpClose(app);
  app.post("/", async () => {
    requests.emit("whole");
    await promise;
    return "answer";
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  t.after(() => close(0));
  async function send(bytes: string, until: "head" | "whole"): Promise<Socket> {
    const socket = connect((app.server.address() as AddressInfo).port, "127.0.0.1");
    socket.write(bytes);
    await once(requests, until);
    return socket;
  }
  return { send, requests, server: app.server, close, answer };
}

test("what is answered while a server closes tells so: a proxy that kept the connection would send a push to be refused", async (t) => {
  const { send, close, answer } = await createServer(t);
  const socket = await send(`${head}push`, "whole");
  const closed = close();
  answer();
  assert.match(await text(socket), answerThatCloses);
  await closed;
});

test("a request whose body comes while a server closes is told so as well", async (t) => {
  const { send, requests, close, answer } = await createServer(t);
  const whole = await send(`${head}push`, "whole");
  const half = await send(head, "head");
  const closed = close();
  half.write("push");
  await once(requests, "whole");
  answer();
  for (const socket of [whole, half]) assert.match(await text(socket), answerThatCloses);
  await closed;
});

test("requests of one connection that came one behind the other are all answered while a server closes", async (t) => {
  const { send, requests, server, close, answer } = await createServer(t);
  let count = 0;
  requests.on("whole", () => count++);
  const socket = await send(`${head}push`.repeat(2), "whole");
  await until(() => count === 2, "both are there");
  const closed = close();
  await until(() => !server.listening, "it closes");
  answer();
  const answers = await text(socket);
  assert.equal(answers.match(/answer/g)?.length, 2, answers);
  assert.match(answers.slice(answers.lastIndexOf("HTTP")), answerThatCloses);
  await closed;
});
