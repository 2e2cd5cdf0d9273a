import { Failure } from "../failure.ts";
import type { Delivery } from "./bus.ts";

/** Throws `NOT_HELD` when a delivery is gone: it comes again, and with it all that follows from it. */
export function throwIfGone(source: Pick<Delivery, "isGone"> | undefined): void {
  if (source?.isGone()) throw new Failure("NOT_HELD", "its connection was lost: it comes again");
}
