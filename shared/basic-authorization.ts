/** `Authorization` for the user and password in a URL, in HTTP's Basic scheme (RFC 7617); undefined without any. */
export function basicAuthorizationOf({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}
