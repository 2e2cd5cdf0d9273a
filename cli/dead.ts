import type { Command } from "commander";
import { createNames, dispatchQueueOf, isDispatched, type Names } from "../shared/bus/names.ts";
import type { Account, AmqpConfig, Broker } from "../shared/config/config.ts";
import { loadBroker, loadConfig } from "../shared/config/load.ts";
import { escapeForTerminal } from "../shared/escape-controls.ts";
import { openBrokerSession, type BrokerSession } from "./broker-session.ts";
import { replayProperties, type DeadLetter } from "./dead-letter.ts";
import { addDeadOptions, isUnfiltered, type DeadOptions } from "./dead-options.ts";
import { DeadQueue, type HeldMessage } from "./dead-queue.ts";
import { tableOf } from "./dead-table.ts";
import { workThrough, type Worked } from "./dead-work.ts";
import { fail, reportConfigError } from "./fail.ts";
import { visible } from "./visible.ts";

/** Rows that `list` shows unless told otherwise: a table is held in memory until its columns are known. */
const LISTED = 10_000;

/** `dead list | replay | drop`: what to do with deliveries that were given up. */
export function addDeadCommands(program: Command): void {
  const dead = program
    .command("dead")
    .description("lists, replays or drops dead letters: deliveries that were given up (RabbitMQ only)");
  addDeadOptions(dead.command("list").description("lists dead letters, the oldest first, and leaves them"), LISTED)
    .option("--json", "prints each as a line of JSON")
    .action(list);
  addDeadOptions(
    dead.command("replay").description("gives dead letters back to the queue they were given up in, as first attempts"),
  ).action(replay);
  addDeadOptions(dead.command("drop").description("removes dead letters for good"))
    .option("--all", "needed to drop without a filter")
    .action(drop);
}

async function list(options: DeadOptions & { json?: boolean }): Promise<void> {
  const letters: DeadLetter[] = [];
  const worked = await onDeadQueue(options, "listed", async (held, letter) => {
    if (options.json) console.log(escapeForTerminal(JSON.stringify(letter)));
    else letters.push(letter);
    held.keep();
  });
  if (letters.length > 0) console.log(tableOf(letters).join("\n"));
  end(worked, `${worked.done} of ${worked.total} dead letters`, console.error);
}

async function replay(options: DeadOptions): Promise<void> {
  const worked = await onDeadQueue(options, "replayed", async (held, letter, session, queueOf) => {
    if (letter.service === "" && letter.queue === undefined) throw new Error("it names no service");
    const { message } = held;
    const queue = letter.queue ?? queueOf(letter.service);
    // Held by the queue it goes to, and only then removed: what ends in between leaves two copies of one identity.
    await session.publish(queue, message.content, replayProperties(message));
    held.remove();
  });
  end(worked, `replayed ${worked.done} of ${worked.total} dead letters`);
}

async function drop(options: DeadOptions & { all?: boolean }): Promise<void> {
  if (isUnfiltered(options) && !options.all)
    fail("dead drop without a filter drops ALL dead letters: add --all to do so");
  const worked = await onDeadQueue(options, "dropped", async (held) => held.remove());
  end(worked, `dropped ${worked.done} of ${worked.total} dead letters`);
}

/** The dispatch queue of a service, any without a config. Throws when the config says that nobody consumes it. */
type QueueOf = (service: string) => string;

type Act = (held: HeldMessage, letter: DeadLetter, session: BrokerSession, queueOf: QueueOf) => Promise<void>;

async function onDeadQueue(options: DeadOptions, verb: string, act: Act): Promise<Worked> {
  const { amqp, names, accounts } = await loadAmqp(options.config);
  const byName = accounts && new Map(accounts.map((account) => [account.name, account]));
  const queueOf: QueueOf = (service) => {
    if (byName === undefined) return names.dispatchOf(service);
    const account = byName.get(service);
    if (account !== undefined && isDispatched(account)) return dispatchQueueOf(names, account);
    const why = account === undefined ? "it is not in the config" : "its delivery is amqp";
    throw new Error(`no dispatcher takes the events of ${service}: ${why}`);
  };
  const session = await openBrokerSession(amqp, `wx-bridge dead ${verb}`).catch((error: Error) => fail(error.message));
  const { deadQueue = names.dead } = options;
  const why = deadQueue === names.dead ? "no bridge has run there" : "check its name";
  const queue = await DeadQueue.open(session, deadQueue).catch((error: Error & { code?: number }) =>
    fail(error.code === 404 ? `there is no queue ${deadQueue} on this broker: ${why}` : error.message),
  );
  const worked = await workThrough(queue, options, verb, (held, letter) => act(held, letter, session, queueOf));
  await session.close();
  return worked;
}

/** The broker alone is enough to reach dead letters: without a config file its URL comes from the environment. */
async function loadAmqp(
  file: string | undefined,
): Promise<{ amqp: AmqpConfig; names: Names; accounts?: Account[] | undefined }> {
  const { amqp, amqpPrefix, accounts } = await load(file, process.env).catch(reportConfigError);
  if (amqp !== undefined) return { amqp, names: createNames(amqpPrefix), accounts };
  return fail(
    "wx-bridge dead needs RabbitMQ: set AMQP_URL, or amqp.url in the config file. " +
      "The in-process bus keeps its dead letters inside the process that runs; no other can reach them.",
  );
}

async function load(file: string | undefined, env: NodeJS.ProcessEnv): Promise<Broker & { accounts?: Account[] }> {
  if (file) return (await loadConfig(env, file)).config;
  if (env["AMQP_URL"]) return loadBroker(env);
  return fail("wx-bridge dead needs RabbitMQ: set AMQP_URL, or name a config file by --config or CONF_FILE.");
}

function end(
  { failures, lost, interrupted }: Worked,
  summary: string,
  print: (line: string) => void = console.log,
): void {
  print(`${summary}${interrupted ? " (interrupted)" : ""}`);
  for (const [reason, count] of failures) process.stderr.write(`${count} left where they were: ${visible(reason)}\n`);
  if (lost !== undefined)
    process.stderr.write(`${lost}; what was not done is in the queue again, and so may be what was done last\n`);
  process.exitCode = interrupted ? 130 : lost !== undefined || failures.size > 0 ? 1 : 0;
}
