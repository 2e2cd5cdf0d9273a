import { Failure } from "../failure.ts";
import type { Delivery } from "./bus.ts";

/** Throws `NOT_HELD` when a delivery is gone: what was to be published in its place comes of it when it comes again. */
export function throwIfGone(source: Pick<Delivery, "isGone"> | undefined): void {
  if (source?.isGone()) throw new Failure("NOT_HELD", "its connection was lost: it comes again");
}
