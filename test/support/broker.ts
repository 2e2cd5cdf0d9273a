import { setTimeout as delay } from "node:timers/promises";
import { connect } from "amqplib";
import { startContainer } from "./containers.ts";
import { unpackRabbitmq } from "./debian-packages.ts";
import { findRabbitmq } from "./installed-rabbitmq.ts";
import { startPrivateNode } from "./private-node.ts";

/** A RabbitMQ for tests: where it is, which rung of the ladder it came from, and how to be rid of it. */
export type Broker = { url: string; rung: string; stop: () => Promise<void> };

type Rung<T> = { name: string; take: () => Promise<T> };

const installed = { name: "installed RabbitMQ", sbin: async () => findRabbitmq() };
const unpacked = { name: "Debian's or Ubuntu's packages", sbin: unpackRabbitmq };

/**
 * Takes the first broker that can be had: `AMQP_URL`, else a container, else an installed RabbitMQ run privately, else
 * one unpacked from Debian's or Ubuntu's packages. Says on stderr why a rung was passed over and which one was taken.
 * Throws when there is none, and when `AMQP_URL` is set but does not answer: what was asked for is never replaced.
 */
export async function obtainBroker(): Promise<Broker> {
  const url = process.env["AMQP_URL"];
  const broker = url ? await useGiven(url) : await obtainOwn();
  say(`taken: ${broker.rung}`);
  return broker;
}

/**
 * The `sbin` folder of a RabbitMQ for `startPrivateNode`: an installed one, else one unpacked into the cache folder.
 * `undefined` when there is neither; the reasons are on stderr.
 */
export async function obtainSbin(): Promise<string | undefined> {
  const sbin = await climb([installed, unpacked].map(({ name, sbin }) => ({ name, take: sbin })));
  if (sbin) say(`taken: ${sbin}`);
  return sbin;
}

async function obtainOwn(): Promise<Broker> {
  say("passed over: AMQP_URL, it is not set");
  const broker = await climb([{ name: "container", take: fromContainer }, fromSbin(installed), fromSbin(unpacked)]);
  if (broker) return broker;
  throw new Error(
    "No RabbitMQ for the tests. Name a running one in AMQP_URL (amqp://user:password@host:5672), or start Docker, " +
      "or install RabbitMQ: apt-get install rabbitmq-server, brew install rabbitmq, or https://www.rabbitmq.com/docs/download",
  );
}

async function climb<T>(rungs: Rung<T>[]): Promise<T | undefined> {
  for (const { name, take } of rungs) {
    try {
      return await take();
    } catch (error) {
      say(`passed over: ${name}, ${reasonOf(error)}`);
    }
  }
  return undefined;
}

async function useGiven(url: string): Promise<Broker> {
  await untilAnswers(url, 30_000);
  return { url, rung: "AMQP_URL", stop: async () => {} };
}

async function fromContainer(): Promise<Broker> {
  const { url, image, stop } = await startContainer();
  return { url, rung: `container of ${image}`, stop };
}

function fromSbin({ name, sbin }: { name: string; sbin: () => Promise<string> }): Rung<Broker> {
  return {
    name,
    async take() {
      const folder = await sbin();
      const { url, stop } = await startPrivateNode({ sbin: folder });
      return { url, rung: `${name} (${folder})`, stop };
    },
  };
}

/** A broker that was started together with the tests, as in CI, may still be on its way. */
async function untilAnswers(url: string, patience: number): Promise<void> {
  const end = Date.now() + patience;
  for (;;) {
    try {
      return await (await connect(url)).close();
    } catch (error) {
      if (Date.now() > end) throw new Error(`AMQP_URL is set, but useless: ${reasonOf(error)}`, { cause: error });
      await delay(500);
    }
  }
}

/** In one line. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.trim().replaceAll(/\s*\n\s*/g, " | ");
}

function say(line: string): void {
  console.error(`broker: ${line}`);
}
