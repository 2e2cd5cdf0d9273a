/** Text that somebody else wrote, for one line of a terminal: nothing in it is to command that, or to be a line of its own. */
export function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "?");
}

/** JSON in one line, in which a terminal finds no control character either: JSON leaves those from U+007F on as they are. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/\p{Cc}/gu, (control) => `\\u00${control.charCodeAt(0).toString(16)}`);
}
