import { isMet, median, type Figure } from "./figures.ts";

/** The figures as lines of text: median, spread over the rounds, and whether the target is reached. */
export function tableOf(figures: readonly Figure[]): string {
  const head = ["", "median", "least", "most", "target", ""];
  const rows = [head, ...figures.map(rowOf)];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => row.map((cell, column) => pad(cell, widths[column] ?? 0, column === 0)).join("  "))
    .join("\n");
}

/** A figure as it goes into the JSON file. */
export function recordOf(figure: Figure): object {
  const { what, unit, values, target } = figure;
  const spread = { median: median(values), least: Math.min(...values), most: Math.max(...values) };
  return { what, unit, ...spread, values, ...(target === undefined ? {} : { target, met: isMet(figure) }) };
}

function rowOf(figure: Figure): string[] {
  const { what, unit, values, target } = figure;
  const met = isMet(figure);
  return [
    what,
    `${format(median(values))} ${unit}`,
    format(Math.min(...values)),
    format(Math.max(...values)),
    target === undefined ? "" : "atLeast" in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`,
    met === undefined ? "" : met ? "met" : "MISSED",
  ];
}

function format(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function pad(cell: string, width: number, isText: boolean): string {
  return isText ? cell.padEnd(width) : cell.padStart(width);
}
