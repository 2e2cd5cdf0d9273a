/** Settings of a process for one test: free ports on loopback, and no userInfo. */
export const onLoopback = {
  "listen-host": "127.0.0.1",
  "listen-port": 0,
  "internal-listen-port": 0,
  "dont-append-userinfo": true,
};
