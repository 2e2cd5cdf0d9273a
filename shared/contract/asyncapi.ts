import { contractVersion } from "../headers.ts";
import { ReplySchema } from "../reply.ts";
import { createChannels } from "./channels.ts";
import { eventSchemas } from "./event-schemas.ts";
import { headerSchemas, propertySchemas } from "./message-schemas.ts";
import { createMessages } from "./messages.ts";
import { createOperations } from "./operations.ts";

const description = `What wx-bridge publishes to RabbitMQ and takes from it. Bind a queue of your own to an exchange of
events by routing key; reply through the exchange of replies. AMQP's properties (message_id, reply_to …) stand in each
message's \`x-properties\`, arguments of exchanges and queues in \`x-arguments\`, bindings in \`x-bindings\`.`;

/**
 * The AMQP contract below one prefix as an AsyncAPI 3.0 document, made from the schemas, names and topology that the
 * code itself works with. It holds no secret and no address of the broker.
 */
export function createAsyncapi(prefix: string): Record<string, unknown> {
  return {
    asyncapi: "3.0.0",
    info: {
      title: "wx-bridge: WeChat's pushes over AMQP",
      version: `${contractVersion}.0.0`,
      description: description.replaceAll("\n", " "),
      license: { name: "MIT" },
    },
    defaultContentType: "application/json",
    servers: {
      rabbitmq: {
        host: "localhost:5672",
        protocol: "amqp",
        protocolVersion: "0.9.1",
        description: "RabbitMQ, wherever amqp.url says",
      },
    },
    channels: createChannels(prefix),
    operations: createOperations(),
    components: {
      messages: createMessages(),
      schemas: { ...headerSchemas, ...propertySchemas, reply: ReplySchema, ...eventSchemas() },
    },
  };
}
