/** The name that Node or the operating system gives an error, such as ENOENT; `otherwise` for one without. */
export function codeOf(error: unknown, otherwise: string): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : otherwise;
}
