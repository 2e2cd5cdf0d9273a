import { parse, printParseErrorCode, visit, type ParseError } from "jsonc-parser";
import { pathOf, type Report } from "./report.ts";

/** Syntax errors that are told; those after them mostly follow from them. */
const maxErrors = 3;

/**
 * Parses the text of a config file. Beyond JSON it takes what people leave in such files: comments and trailing commas.
 * The first syntax errors become faults with line and column; a key written twice is warned about.
 */
export function parseJson(text: string, report: Report): unknown {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  for (const { error, offset } of errors.slice(0, maxErrors)) {
    report.fault("", `${placeOf(text, offset)}: ${wordsFor(printParseErrorCode(error))}`);
  }
  if (errors.length > maxErrors) report.fault("", `${errors.length - maxErrors} more, which may follow from these`);
  if (errors.length > 0) return value;
  warnOfRepeatedKeys(text, report);
  return withOwnTexts(value);
}

/**
 * The parser cuts texts from the whole, and cut from a file with Chinese in it each takes two bytes a character. So does
 * all that a token or a URL then goes into, at each push, and to encode it takes several times as long.
 */
function withOwnTexts(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** Line and column, both from 1, as editors count them. */
function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** `CommaExpected` becomes `comma expected`. */
function wordsFor(code: string): string {
  return code.replace(/\B[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}

function warnOfRepeatedKeys(text: string, report: Report): void {
  const seen = new Set<string>();
  visit(
    text,
    {
      onObjectProperty(key, offset, _length, _line, _column, parents) {
        const path = [...parents(), key].reduce<string>(pathOf, "");
        if (seen.has(path)) report.warn(path, `is written again at ${placeOf(text, offset)}; only the last one counts`);
        seen.add(path);
      },
    },
    { allowTrailingComma: true },
  );
}
