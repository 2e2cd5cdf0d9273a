import type { DeadLetter } from "./dead-letter.ts";
import { visible } from "./visible.ts";

const titles = ["SERVICE", "KEY", "REASON", "ATTEMPTS", "ERROR", "AGE", "IDENTITY"];

/** Dead letters as lines of a table, each column as wide as it needs. */
export function tableOf(letters: DeadLetter[], now: number = Date.now()): string[] {
  const rows = [titles, ...letters.map((letter) => cellsOf(letter, now))];
  const widths = titles.map((_, column) => rows.reduce((width, row) => Math.max(width, (row[column] ?? "").length), 0));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function cellsOf({ service, key, reason, attempts, error, deadAt, identity }: DeadLetter, now: number): string[] {
  const age = deadAt === undefined ? "" : ageOf(now - deadAt);
  return [service, key, reason, String(attempts), error, age, identity].map((cell) => visible(cell) || "-");
}

/** The two largest units, such as `3d 4h`. */
function ageOf(ms: number): string {
  const seconds = Math.max(Math.floor(ms / 1000), 0);
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0s";
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count}${unit}`).join(" ");
}
