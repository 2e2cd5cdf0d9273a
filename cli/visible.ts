/** Text that somebody else wrote, for one line of a terminal: nothing in it is to command that, or to be a line of its own. */
export function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "?");
}
