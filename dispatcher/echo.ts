import type { Event } from "../shared/envelope.ts";
import { readReply, success, type Reply } from "../shared/reply.ts";
import type { Verdict } from "./verdict.ts";

type Fields = Record<string, string | undefined>;

const media = (type: "image" | "voice") => (push: Fields) => ({ type, msg: push["MediaId"] });
const video = (push: Fields) => ({ type: "video", msg: push["MediaId"], title: "echo", desc: "thank you" });
const text = (words: (push: Fields) => string | undefined) => (push: Fields) => ({ type: "text", msg: words(push) });

/** What an account without a backend answers, as the seed's program does; every other kind is `success`. */
const echoes: Record<string, (push: Fields) => object> = {
  "msg.text": text((push) => push["Content"]),
  "msg.image": media("image"),
  "msg.voice": media("voice"),
  "msg.video": video,
  "msg.shortvideo": video,
  "msg.link": text((push) => `your link ${push["Title"]} received`),
  "event.CLICK": text((push) => `event key ${push["EventKey"]} clicked`),
  "event.subscribe": text(() => "welcome"),
  "event.scancode_waitmsg": text((push) => `scan result: ${push["ScanType"]}, ${push["ScanResult"]}`),
  "event.MASSSENDJOBFINISH": text((push) => push["Status"]),
  "event.TEMPLATESENDJOBFINISH": text((push) => push["Status"]),
};

/** Answers an event with itself: the tool to try an account with before it has a backend. */
export function echo(event: Pick<Event, "routingKey" | "body">): Verdict {
  return { kind: "taken", reply: echoOf(event) };
}

function echoOf({ routingKey, body }: Pick<Event, "routingKey" | "body">): Reply {
  const reply = Object.hasOwn(echoes, routingKey) ? echoes[routingKey] : undefined;
  if (reply === undefined) return success;
  return readReply(JSON.stringify(reply(textsIn(body)))).reply;
}

/** A field that is no text is not echoed: it may be nested deeper than can be written. */
function textsIn(body: Buffer): Fields {
  const fields = Object.entries(JSON.parse(body.toString("utf8")) as Record<string, unknown>);
  return Object.fromEntries(fields.filter((field): field is [string, string] => typeof field[1] === "string"));
}
