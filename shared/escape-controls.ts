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
