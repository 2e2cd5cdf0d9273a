import type { Reply } from "../shared/reply.ts";

/**
 * How a backend met a delivery. taken: it is done, with a reply; failed: worth another try; rejected: it will never be
 * taken; unhandled: the backend does not handle this kind; unavailable: the breaker is open and nobody was asked.
 */
export type Verdict =
  | { kind: "taken"; reply: Reply; unusable?: string }
  | { kind: "failed" | "rejected" | "unhandled" | "unavailable"; error: string };
