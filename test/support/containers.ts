import { setTimeout as delay } from "node:timers/promises";

const images = ["rabbitmq:4-management", "rabbitmq:4"];
const patience = 180_000;

/** A RabbitMQ in a container, reachable from this machine. */
export type BrokerContainer = { url: string; image: string; stop: () => Promise<void> };

/** Starts the first of the images that can be had, all within three minutes; throws the reason when none can. */
export async function startContainer(): Promise<BrokerContainer> {
  const started = startFirst();
  const waiting = new AbortController();
  const late = delay(patience, undefined, { signal: waiting.signal }).then(() => {
    // What comes up too late is stopped as soon as it is up.
    started.then((container) => container.stop()).catch(() => {});
    throw new Error(`no container within ${patience / 1000} s`);
  });
  return await Promise.race([started, late]).finally(() => waiting.abort());
}

async function startFirst(): Promise<BrokerContainer> {
  const reasons: string[] = [];
  for (const image of images) {
    try {
      return await startImage(image);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason.includes("container runtime")) throw error;
      reasons.push(`${image}: ${reason}`);
    }
  }
  throw new Error(reasons.join("; "));
}

async function startImage(image: string): Promise<BrokerContainer> {
  // Loaded only here: with a broker at hand nobody should wait for it.
  const { GenericContainer, Wait } = await import("testcontainers");
  const container = await new GenericContainer(image)
    .withExposedPorts(5672)
    .withWaitStrategy(Wait.forLogMessage("Server startup complete"))
    .withStartupTimeout(patience)
    .start();
  const url = `amqp://guest:guest@${container.getHost()}:${container.getMappedPort(5672)}`;
  return { url, image, stop: async () => void (await container.stop()) };
}
