/** Tells the parent that this process is ready and where it listens; from then on `answer` answers its questions. */
export function serveParent(port: number, answer: (question: unknown) => object | Promise<object>): void {
  process.on("disconnect", () => process.exit());
  process.on("message", (question: unknown) => {
    void Promise.resolve(answer(question)).then((message) => process.send?.(message));
  });
  process.send?.({ port });
}
