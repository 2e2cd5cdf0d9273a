import type { DatabaseSync } from "node:sqlite";
import type { Names } from "../shared/bus/names.ts";
import type { Logger } from "../shared/log.ts";
import { reasonOf } from "../shared/reason-of.ts";
import type { Store } from "../shared/store/store.ts";
import { deleteLeftBehind, readStep, type Place, type Step } from "./left-behind.ts";
import { usePrefix } from "./names-on-disk.ts";
import { copyPublished } from "./published.ts";
import { insertSpooled, type Spooled } from "./spool-table.ts";

const ADOPT_EVERY = 30_000;

export interface Adoption {
  /** Resolves once nothing is moved any more; what is not moved stays where it is, for the next process. */
  close(): Promise<void>;
}

export interface AdoptionParts {
  store: Store;
  names: Names;
  /** Called for each push that is in the spool's table now. */
  onMoved: (push: Spooled) => void;
  log: Logger;
}

/**
 * Moves what gateways that are gone have left into the spool's table, and learns which pushes they have published, at once
 * and every 30 s: in steps, between which live pushes have their turn. A crash loses nothing, and leaves one step in both
 * places at most.
 */
export function createAdoption({ store, names, onMoved, log }: AdoptionParts): Adoption {
  /** What is moved and could not be deleted, say on a full disk, by database: it is not to be moved again. */
  const undeleted = new Map<string | null, Place>();
  let closed = false;
  let adopting: Promise<void> | undefined;
  const timer = setInterval(adopt, ADOPT_EVERY);
  adopt();

  function adopt(): void {
    adopting ??= store
      .adopt(takeOver)
      .catch((error: unknown) => {
        log.error({ reason: reasonOf(error) }, "a folder in data-dir could not be taken over");
      })
      .finally(() => (adopting = undefined));
  }

  async function takeOver(orphan: DatabaseSync): Promise<boolean> {
    const last = undeleted.get(orphan.location());
    if (last) deleteLeftBehind(orphan, last);
    undeleted.delete(orphan.location());
    usePrefix(orphan, names.prefix);
    for (;;) {
      if (closed) return false;
      const step = readStep(orphan, names);
      if (step.pushes.length === 0) return copyPublished(orphan, store, () => closed);
      await move(orphan, step);
    }
  }

  /** Deleted for good only when it is on our disk; but what the orphan cannot delete, as a damaged one, is not moved. */
  async function move(orphan: DatabaseSync, { pushes, last }: Step): Promise<void> {
    orphan.exec("BEGIN IMMEDIATE");
    deleteLeftBehind(orphan, last);
    await store.write((database) => insertSpooled(database, pushes));
    for (const push of pushes) onMoved(push);
    undeleted.set(orphan.location(), last);
    orphan.exec("COMMIT");
    undeleted.delete(orphan.location());
  }

  return {
    async close() {
      closed = true;
      clearInterval(timer);
      await adopting;
    },
  };
}
