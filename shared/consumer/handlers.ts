import { topicMatches } from "../bus/topic.ts";
import { Failure } from "../failure.ts";
import { createMemo } from "../memo.ts";
import type { Reply } from "../reply.ts";
import type { EventKey } from "../wechat/kinds/kinds.ts";
import type { Context } from "./context.ts";
import type { PushOf } from "./push.ts";

const MAX_KEYS = 1000;

/** What a handler may return: a reply, its text, or nothing to say. */
export type Said = Reply | string | null | undefined | void;

/**
 * Works on one push. The delivery is acked when it has ended and its reply is confirmed; when it throws, the delivery
 * comes again after the next wait of the retry ladder. Returns the reply, or nothing to leave it to others.
 */
export type Handler<K extends string = string> = (push: PushOf<K>, context: Context) => Said | Promise<Said>;

/** Where handlers are registered: a consumer, or what a module named in `consumers` is given. */
export interface Handlers {
  /**
   * Calls `handler` for pushes whose routing key matches `pattern`: a key such as `msg.text`, which types the push, or a
   * pattern with `*` (one word) and `#` (any words). Of several that match, the one registered first is called. Throws
   * `CONFIG_INVALID` when `handler` is no function.
   */
  on<K extends EventKey | (string & {})>(pattern: K, handler: Handler<K>): this;
}

/** The handlers of one consumer, in the order of their registration. */
export class HandlerTable implements Handlers {
  readonly #entries: { pattern: string; handler: Handler<never> }[] = [];
  /** Worked out once a key, since accounts use few. */
  #find: (routingKey: string) => Handler<never> | undefined = () => undefined;

  on<K extends string>(pattern: K, handler: Handler<K>): this {
    // A name mistyped in plain JavaScript: its events would be acked as those of no handler.
    if (typeof handler !== "function") throw new Failure("CONFIG_INVALID", `the handler for ${pattern} is no function`);
    this.#entries.push({ pattern, handler });
    this.#find = createMemo(MAX_KEYS, (key) => this.#entries.find((each) => topicMatches(each.pattern, key))?.handler);
    return this;
  }

  get patterns(): string[] {
    return [...new Set(this.#entries.map(({ pattern }) => pattern))];
  }

  /** The handler for a routing key, if there is one. */
  find(routingKey: string): Handler<never> | undefined {
    return this.#find(routingKey);
  }
}
