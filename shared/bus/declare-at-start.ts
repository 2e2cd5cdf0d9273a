import type { Logger } from "../log.ts";
import { reasonOf } from "../reason-of.ts";
import type { Bus } from "./bus.ts";
import type { Topology } from "./topology.ts";

/** How long a start waits for the broker, in ms. */
const TIMEOUT = 3000;

/**
 * Declares what a starting part needs. Never rejects: when the broker is away, or refuses something, that is logged in
 * `words`, and the part starts without; the topology is declared as soon as the broker comes.
 */
export async function declareAtStart(bus: Bus, topology: Topology, log: Logger, words: string): Promise<void> {
  try {
    await bus.declare(topology, { timeout: TIMEOUT });
  } catch (error) {
    log.error({ reason: reasonOf(error) }, words);
  }
}
