/** Tells the parent that this process is ready; hands back how it is told more. The process ends with its parent. */
export function serveParent(ready: object, onMessage: (message: unknown) => void = () => {}): (news: object) => void {
  process.on("disconnect", () => process.exit());
  // Ctrl-C reaches the whole process group; the parent ends its children when it is ready to.
  process.on("SIGINT", () => {});
  process.on("message", onMessage);
  process.send?.(ready);
  return (news) => void process.send?.(news);
}
