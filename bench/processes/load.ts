/** `load.ts`: plays WeChat. Makes pushes ahead of time, so that sending them costs as little as can be, and sends them. */
import { fire, type FireOptions } from "./fire.ts";
import { makePushes, type MakeOptions, type Pushes } from "./make-pushes.ts";
import { serveParent } from "./parent.ts";

type Question = { make: MakeOptions } | { fire: FireOptions };

let pushes: Pushes = makePushes({ first: 0, count: 0 });

serveParent(0, async (asked) => {
  const question = asked as Question;
  if ("fire" in question) return fire(pushes, question.fire);
  pushes = makePushes(question.make);
  return {};
});
