// A backend of wx-bridge in plain Node.js: every push of an account comes as POST <msg-proxy-pass>/msg/<MsgType> or
// /event/<Event> with a JSON body; what it answers becomes the reply to the user.
//
//   node server.mjs        (PORT, default 8080)

import { createServer } from "node:http";

const MAX_BODY = 2 * 1024 * 1024;

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(`${request.url}: ${error.message}`);
    send(response, error.status ?? 500, { error: error.message });
  });
});

async function answer(request, response) {
  if (request.method === "GET" && request.url === "/healthz") return send(response, 200, { status: "ok" });
  if (request.method !== "POST") return send(response, 405, { error: "pushes come as POST" });

  const push = parse(await readBody(request));
  // Deliveries are at least once: the same id may come again, and then is the same push.
  console.log(request.url, request.headers["x-wx-event-id"], `attempt ${request.headers["x-wx-attempt"] ?? 1}`);
  send(response, 200, replyTo(request.url, push));
}

/** What the user sees. Answer within about 4 seconds; a 5xx instead makes the bridge try again later. */
function replyTo(path, push) {
  switch (path) {
    case "/msg/text":
      return { type: "text", msg: `you said: ${push.Content}` };
    case "/event/subscribe":
      return { type: "text", msg: "Welcome! Send me a message and I will repeat it." };
    default:
      return { type: "success" }; // taken; no reply to the user
  }
}

/** Numbers above 2^53, such as a store's order_id, would lose digits in JSON.parse: read those from the text. */
function parse(body) {
  try {
    return JSON.parse(body);
  } catch {
    throw Object.assign(new Error("the body is not JSON"), { status: 400 });
  }
}

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) throw Object.assign(new Error("the body is too large"), { status: 413 });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function send(response, status, body) {
  response.writeHead(status, { "content-type": "application/json; charset=UTF-8" });
  response.end(JSON.stringify(body));
}

const port = Number(process.env.PORT ?? 8080);
server.listen(port, () => console.log(`backend listens on port ${server.address().port}`));

// Connections without a request are closed at once; requests in flight are answered first.
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => server.close());
