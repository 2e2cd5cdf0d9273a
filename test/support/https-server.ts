import { once } from "node:events";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { Closing } from "./loopback-server.ts";

/** An HTTPS server that speaks HTTP/2 and HTTP/1.1, and takes HTTP/2 where it is offered, as nginx and Go do. */
export interface HttpsServer {
  /** With the host name `localhost`, which its certificate is for. */
  readonly url: string;
  /** Connections accepted so far. */
  readonly accepted: number;
}

/** Starts the server on a free loopback port until the test's end; this process trusts its certificate from now on. */
export async function createHttpsServer(
  t: Closing,
  listener: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
): Promise<HttpsServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createSecureServer({ key, cert, allowHTTP1: true }, listener);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("secureConnection", () => void accepted++);
  setDefaultCACertificates([...getCACertificates("default"), cert]);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    get accepted() {
      return accepted;
    },
  };
}

// For nothing but these tests: openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 \
//   -subj /CN=localhost -addext subjectAltName=DNS:localhost
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg0eoErspuLrj/HDU1
DLfxuf6pJYNTPjw6qHpgovA+bV6hRANCAARxk3JA2El01BWoIYJYWpNp3ASrEuNG
zj0Je0vT5CayxbLk33C5No4Gimiuvizjt3AHgSmhdaquPC2Aq+nTZ5wi
-----END PRIVATE KEY-----
`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBljCCATugAwIBAgIUSRy99oq2nHqAa0nI/wqGUeSwaPowCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNzIwNDAyMFoYDzIxMjYxMTAz
MjA0MDIwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARxk3JA2El01BWoIYJYWpNp3ASrEuNGzj0Je0vT5CayxbLk33C5No4G
imiuvizjt3AHgSmhdaquPC2Aq+nTZ5wio2kwZzAdBgNVHQ4EFgQU29P3pG89J8UF
oTLCw8B6lI6z1oAwHwYDVR0jBBgwFoAU29P3pG89J8UFoTLCw8B6lI6z1oAwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SQAwRgIhANaP9+nPi6TToRIP6o/wLW07jostv2c3fFIx5/t6pBY+AiEAsZJie9op
wezeQOpUkSnRqvfWySG+zyuAgEaRIxoMy80=
-----END CERTIFICATE-----
`;
