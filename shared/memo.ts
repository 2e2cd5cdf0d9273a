/** Remembers what `work` made of each key, for the first `most` of them: whoever makes up more finds no memory for them. */
export function createMemo<T>(most: number, work: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined || known.has(key)) return found as T;
    const made = work(key);
    if (known.size < most) known.set(key, made);
    return made;
  };
}
