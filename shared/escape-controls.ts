/**
 * JSON with the control characters inside its strings escaped: WeChat sends those of nicknames and texts as they are, which
 * JSON forbids. Whatever else is wrong with the text stays so.
 */
export function escapeControls(json: string): string {
  let isInString = false;
  return json.replaceAll(/\\[^]|"|[^ -\uFFFF]/g, (found) => {
    if (found === '"') isInString = !isInString;
    return isInString && found < " " ? `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}` : found;
  });
}

/** Valid JSON in which a terminal finds no control character: those from U+007F on JSON leaves as they are. */
export function escapeForTerminal(json: string): string {
  return json.replaceAll(/[\u007F-\u009F]/g, (control) => `\\u00${control.charCodeAt(0).toString(16)}`);
}
