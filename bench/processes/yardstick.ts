/** What the yardsticks share: a Fastify route without a logger, and undici's pool to the backend. */
import type { AddressInfo } from "node:net";
import Fastify, { type FastifyRequest } from "fastify";
import { Pool } from "undici";
import { account } from "../support/account.ts";
import { serveParent } from "./parent.ts";

/** POSTs to the backend on this port and gives the text of its answer. */
export function createForward(port: number) {
  const pool = new Pool(`http://127.0.0.1:${port}`);
  return async (path: string, type: string, body: Buffer | string): Promise<string> =>
    (await pool.request({ path, method: "POST", headers: { "content-type": type }, body })).body.text();
}

/** Serves the account's path and tells the parent where: `answer` gives the text of the type `type`. */
export async function servePushes(type: string, answer: (request: FastifyRequest) => Promise<string>): Promise<void> {
  const app = Fastify({ logger: false });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.post(account.path, async (request, reply) => reply.type(type).send(await answer(request)));
  await app.listen({ host: "127.0.0.1", port: 0 });
  serveParent((app.server.address() as AddressInfo).port, () => ({}));
}
