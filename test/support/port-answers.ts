import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** Whether a TCP port of 127.0.0.1 takes a connection within `patience` ms; gives up early once `over` says so. */
export async function portAnswers(port: number, patience: number, over = () => false): Promise<boolean> {
  for (const end = Date.now() + patience; Date.now() < end && !over(); await delay(100)) {
    if (await connects(port)) return true;
  }
  return false;
}

async function connects(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
