type Operation = Record<string, unknown>;

const channel = (name: string) => ({ $ref: `#/channels/${name}` });

/** What wx-bridge does: it sends events and receives replies, so a consumer does the opposite. */
export function createOperations(): Record<string, Operation> {
  return {
    publishEvents: send("eventsOfService", "The gateway publishes each push once it is verified", true, repliesWith()),
    deliverEvents: send(
      "events",
      "A consumer binds its queue here and gets every account's pushes",
      false,
      repliesWith(),
    ),
    publishEnriched: send(
      "enrichedOfService",
      "The dispatcher publishes what it added userInfo to",
      true,
      repliesWith(),
    ),
    deliverEnriched: send("enriched", "A consumer binds its queue here and gets userInfo too", false, repliesWith()),
    takeReplies: receive("replies", "A gateway takes the reply to a push that waits for it"),
    takeReplyQueue: receive("replyQueue", "A gateway consumes its own queue, which is bound by its name"),
    takeLateReplies: receive("lateReplies", "The dispatcher sends them to the user, or drops them"),
    dispatch: receive("dispatch", "The dispatcher takes an account's events"),
    dispatchOrdered: receive("dispatchOrdered", "One dispatcher takes an account's events, each user's in their order"),
    retry: send("retry", "The dispatcher puts a failed delivery aside; the broker returns it", true),
    giveUp: send("dead", "The dispatcher keeps what no retry helped, or what must not be tried again", true),
    keepUnrouted: send(
      "unrouted",
      "What came back is kept, since no queue was bound for it: by the gateway, or by the dispatcher where consumers alone answer",
      true,
    ),
  };
}

function send(name: string, summary: string, mandatory: boolean, more: Operation = {}): Operation {
  const amqp = { deliveryMode: 2, mandatory, timestamp: true, bindingVersion: "0.3.0" };
  return { action: "send", channel: channel(name), summary, bindings: { amqp }, ...more };
}

function receive(name: string, summary: string): Operation {
  return {
    action: "receive",
    channel: channel(name),
    summary,
    bindings: { amqp: { ack: true, bindingVersion: "0.3.0" } },
  };
}

function repliesWith(): Operation {
  return {
    reply: {
      address: {
        description: "AMQP's property reply_to, which runtime expressions cannot name; without it nobody waits",
        location: "$message.header#/reply_to",
      },
      channel: channel("replies"),
      messages: [{ $ref: "#/channels/replies/messages/reply" }],
    },
  };
}
