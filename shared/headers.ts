import { Type, type TSchema } from "typebox";

/** Version of the AMQP contract, in every event's header `x-wx-contract`. */
export const contractVersion = 1;

/** Why a delivery was given up. */
export const deadReasons = ["exhausted", "rejected", "unhandled", "poison"] as const;
export type DeadReason = (typeof deadReasons)[number];

const epochMs = (description: string) => Type.Integer({ minimum: 0, description: `${description}, epoch ms` });

/** Every header of the AMQP contract: its name on the wire, and what it holds as a JSON Schema. */
export const headers = {
  contract: {
    name: "x-wx-contract",
    schema: Type.Literal(contractVersion, { description: "Version of the AMQP contract" }),
  },
  service: {
    name: "x-wx-service",
    schema: Type.String({ minLength: 1, description: "The service name of the account" }),
  },
  deadline: { name: "x-wx-deadline", schema: epochMs("Until when a reply reaches the user") },
  budget: {
    name: "x-wx-budget",
    schema: Type.Integer({
      minimum: 0,
      description: "Milliseconds left at publishing; take the smaller of this from receipt and the deadline from now",
    }),
  },
  attempt: {
    name: "x-wx-attempt",
    schema: Type.Integer({ minimum: 1, description: "1 for the first delivery to a backend, more in retries" }),
  },
  traceparent: {
    name: "traceparent",
    schema: Type.String({
      pattern: "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
      description: "W3C Trace Context",
    }),
  },
  deferred: {
    name: "x-wx-deferred",
    schema: Type.Boolean({ description: "true: answer `success` now, a reply may still come and is then a late one" }),
  },
  reason: {
    name: "x-wx-reason",
    schema: Type.Union(
      deadReasons.map((reason) => Type.Literal(reason)),
      {
        description:
          "Why the delivery was given up: no retry helped, the backend refused it, it does not handle it, or poison",
      },
    ),
  },
  error: {
    name: "x-wx-error",
    schema: Type.String({ description: "What the last attempt met, such as `status 500`" }),
  },
  deadAt: { name: "x-wx-dead-at", schema: epochMs("When the delivery was given up") },
  queue: {
    name: "x-wx-queue",
    schema: Type.String({
      description: "The queue that the delivery was given up in, where it is not the dispatcher's: a replay goes there",
    }),
  },
  lateSince: { name: "x-wx-late-since", schema: epochMs("When sending the late reply was first tried") },
} as const satisfies Record<string, { name: string; schema: TSchema }>;

/** A header of the contract, as the code calls it. */
export type Header = keyof typeof headers;

/** Names of the headers on the wire. */
export const header = Object.fromEntries(Object.entries(headers).map(([key, { name }]) => [key, name])) as {
  [K in Header]: (typeof headers)[K]["name"];
};
