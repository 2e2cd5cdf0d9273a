/** A URL's path as routes are matched with it: decoded, but for "/" and the like. What cannot be decoded stays as it is. */
export function decodePath(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
