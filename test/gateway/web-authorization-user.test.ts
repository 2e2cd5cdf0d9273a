import assert from "node:assert/strict";
import { test } from "node:test";
import { browse, createWorld, textOf } from "./web-authorization-world.ts";

test("pages wait at most 1 s for user/info, and after 3 failures in a row not at all", async (t) => {
  const { page, api, requests, logged } = await createWorld(t, (_request, response) => response.end("page"));
  const path = "/cgi-bin/user/info";
  api.fail(path, { status: 500 }, 2);
  for (const code of ["before1", "before2", "warm"]) await textOf(await browse(`${page}?code=${code}&state=s`));
  api.fail(path, "hang", 1);
  api.fail("/sns/userinfo", { status: 500 });
  const startedAt = performance.now();
  await textOf(await browse(`${page}?code=late&state=s`));
  const ms = performance.now() - startedAt;
  assert.ok(ms >= 990, `${ms} ms`);

  api.fail(path, { status: 500 });
  for (const code of ["down1", "down2", "skipped"]) await textOf(await browse(`${page}?code=${code}&state=s`));
  await textOf(await browse(`${page}?code=C2&state=login`));
  const errors = requests.map(({ json }) => (json as { userInfoError: string }).userInfoError);
  const [, waited] = /^GET \/cgi-bin\/user\/info: no answer in (\d+) ms$/.exec(errors.splice(3, 1)[0] ?? "") ?? [];
  assert.ok(Number(waited) <= 1000, waited);
  assert.deepEqual(errors, [
    `GET ${path}: HTTP 500`,
    `GET ${path}: HTTP 500`,
    "", // what failed before is in no row with what fails next
    `GET ${path}: HTTP 500`,
    `GET ${path}: HTTP 500`,
    "user/info skipped after 3 failures in a row",
    "GET /sns/userinfo: HTTP 500",
  ]);
  assert.equal(api.count(path), 6);
  assert.equal(logged.filter((line) => line.includes('"msg":"user/info skipped: 3 failures in a row"')).length, 1);
});
