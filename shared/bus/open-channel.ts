import type { Channel, ChannelModel } from "amqplib";

/** Opens a channel for questions and declarations: what the broker refuses closes the channel it was asked on. */
export async function openChannel({
  model,
}: {
  readonly model: Pick<ChannelModel, "createChannel">;
}): Promise<Channel> {
  const channel = await model.createChannel();
  channel.on("error", () => {}); // the rejected call or the connection's close tells
  return channel;
}
