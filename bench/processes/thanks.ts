const idMark = Buffer.from('"MsgId":"');
const ID_LENGTH = 18;

/** What backend and consumer answer to a push's JSON; a body without a MsgId, such as a sealed one, gets zeros. */
export function answerTo(event: Buffer): string {
  const mark = event.indexOf(idMark);
  const start = mark + idMark.length;
  const id = mark < 0 ? "0".repeat(ID_LENGTH) : event.toString("latin1", start, start + ID_LENGTH);
  return `{"type":"text","msg":"Thank you for ${id}"}`;
}
