/** `bare-route.ts <backend port>`: the first yardstick. A Fastify route that forwards the body with undici, no more. */
import type { AddressInfo } from "node:net";
import Fastify from "fastify";
import { Pool } from "undici";
import { serveParent } from "./parent.ts";

const pool = new Pool(`http://127.0.0.1:${process.argv[2]}`);
const app = Fastify({ logger: false });
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

app.post("/wx", async (request, reply) => {
  const answer = await pool.request({
    path: "/msg/text",
    method: "POST",
    headers: { "content-type": "text/xml" },
    body: request.body as Buffer,
  });
  return reply.type("application/json; charset=utf-8").send(await answer.body.text());
});

await app.listen({ host: "127.0.0.1", port: 0 });
serveParent((app.server.address() as AddressInfo).port, () => ({}));
