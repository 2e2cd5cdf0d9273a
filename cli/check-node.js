// Plain JavaScript, so that an old Node can still say what it lacks.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 22)) {
  process.stderr.write(
    `wx-bridge needs Node.js 22.22 or later; this is ${process.versions.node}.\n` +
      "Install a newer one; for Linux `npm ci` without --omit=optional brings one: npm's scripts use it, it is node_modules/.bin/node.\n",
  );
  process.exit(1);
}
