import { type Command, InvalidArgumentError, Option } from "commander";
import { topicPattern } from "../shared/bus/topic.ts";
import { parseDuration } from "../shared/config/duration.ts";
import { deadReasons } from "../shared/headers.ts";
import type { DeadFilter } from "./dead-letter.ts";

/** What every `dead` command takes: the config, which dead letters are meant, and how many at most. */
export interface DeadOptions extends DeadFilter {
  config?: string;
  deadQueue?: string;
  limit?: number;
}

/** Adds the options that choose dead letters. All of them must fit; without any, all dead letters are meant. */
export function addDeadOptions(command: Command, limit?: number): Command {
  return command
    .addOption(new Option("-c, --config <file>", "the config file").env("CONF_FILE"))
    .option("--dead-queue <name>", 'those in another queue, such as shop.dead of a consumer with failures: "own"')
    .option("--service <name>", "those of one account")
    .option("--key <pattern>", 'those whose routing key matches, such as "msg.*" or "event.CLICK"', readPattern)
    .addOption(new Option("--reason <reason>", "why they died").choices(deadReasons))
    .option("--identity <identity>", "the one with this identity (message_id)")
    .option("--older-than <duration>", "those that died longer ago, such as 30m, 6h or 2d", readDuration)
    .option("--newer-than <duration>", "those that died since", readDuration)
    .option("--limit <count>", "at most so many, the oldest first", readCount, limit);
}

/** Whether nothing narrows down what is meant. */
export function isUnfiltered({ service, key, reason, identity, olderThan, newerThan, limit }: DeadOptions): boolean {
  return [service, key, reason, identity, olderThan, newerThan, limit].every((given) => given === undefined);
}

function readPattern(text: string): string {
  if (new RegExp(topicPattern).test(text)) return text;
  throw new InvalidArgumentError('write a routing-key pattern such as "msg.*" or "event.CLICK".');
}

function readDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError("write a duration such as 30m, 6h or 2d.");
  return ms;
}

function readCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("write a whole number above 0.");
}
