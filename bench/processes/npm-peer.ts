/**
 * `npm-peer.ts <backend port>`: the package `wechat` on express in safe mode, set up as its README shows, with a handler
 * that asks the backend over the same pool as the yardsticks.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import wechat from "wechat";
import { account } from "../support/account.ts";
import { serveParent } from "./parent.ts";
import { createForward } from "./yardstick.ts";

const { token, appId: appid, aesKey: encodingAESKey, path } = account;
const forward = createForward(Number(process.argv[2]));
const app = express();

async function answerOf(push: object): Promise<string> {
  const answer = await forward("/msg/text", "application/json", JSON.stringify(push));
  return (JSON.parse(answer) as { msg: string }).msg;
}

app.use(
  path,
  wechat({ token, appid, encodingAESKey }, (request, response, next) => {
    answerOf(request.weixin).then((msg) => response.reply(msg), next);
  }),
);

const server = createServer(app).listen(0, "127.0.0.1", () => {
  serveParent((server.address() as AddressInfo).port, () => ({}));
});
