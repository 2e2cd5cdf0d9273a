import { pino } from "pino";
import type { Logger } from "../../../shared/log.ts";
import { createArrivals, type Arrivals } from "../../support/arrivals.ts";

export type LogLine = Record<string, unknown> & { level: number; msg: string };

/** A logger that keeps its lines. */
export function createTestLog(): { log: Logger; lines: Arrivals<LogLine> } {
  const lines = createArrivals<LogLine>("log lines");
  const log = pino({ level: "info", base: null }, { write: (line: string) => lines.add(JSON.parse(line) as LogLine) });
  return { log, lines };
}
