/** `bare-route.ts <backend port>`: a Fastify route that forwards the body with undici, no more. */
import { createForward, servePushes } from "./yardstick.ts";

const forward = createForward(Number(process.argv[2]));

await servePushes("application/json; charset=utf-8", ({ body }) => forward("/msg/text", "text/xml", body as Buffer));
