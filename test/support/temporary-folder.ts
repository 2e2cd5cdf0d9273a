import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Closing } from "./loopback-server.ts";

/** A new folder that goes with the test, also from under what closes later and still has files open in it. */
export function createTemporaryFolder(t: Closing): string {
  const folder = mkdtempSync(join(tmpdir(), "wx-bridge-test-"));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}
