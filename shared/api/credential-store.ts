import { Failure } from "../failure.ts";
import { inTime } from "../in-time.ts";
import type { Logger } from "../log.ts";
import type { WechatAnswer } from "./answer.ts";
import { ApiFailure, describeFailure } from "./api-failure.ts";
import { createBackOff } from "./back-off.ts";
import { accountFault } from "./errcodes.ts";
import type { KeptFile } from "./kept-file.ts";

/** A value that WeChat gives out for a while; `expire` in epoch seconds. */
export interface Credential {
  value: string;
  expire: number;
}

/** One credential of one account: from memory, else from the file that processes share, else from WeChat. */
export interface CredentialStore {
  /**
   * The valid value. `deadline` (epoch ms) bounds the wait, at most 5 s; a fetch that takes longer goes on for the
   * callers to come. While a failed fetch is backed off, its failure is given at once.
   */
  get(deadline?: number): Promise<string>;
  /** Forgets the value that WeChat refused, unless another one has taken its place already. */
  drop(failed: string): void;
}

export interface CredentialStoreOptions {
  /** What logs and failures call it. */
  name: string;
  file: KeptFile<Credential>;
  /** Asks WeChat; `force` = a new one even if the present one has not expired. */
  fetch: (force: boolean) => Promise<Credential>;
  /** Names the account in its lines. */
  log: Logger;
  /** Monotonic, in milliseconds; default `performance.now`. */
  now?: (() => number) | undefined;
}

const maxWait = 5000;

/** Values that may be refused within `dropWindow` ms before the fetching of further ones is slowed down. */
const freeDrops = 3;
const dropWindow = 600_000;

/** Makes the store. However many ask at once, the file is read once and WeChat is asked once. */
export function createCredentialStore(options: CredentialStoreOptions): CredentialStore {
  const { name, file, fetch, log, now = () => performance.now() } = options;
  const backOff = createBackOff(now);
  let held: Credential | undefined;
  let refused: string | undefined;
  let renewal: Promise<string> | undefined;
  let drops: number[] = [];

  async function get(deadline = Infinity): Promise<string> {
    if (held && isFresh(held)) return held.value;
    renewal ??= renew().finally(() => (renewal = undefined));
    const wait = Math.max(0, Math.min(maxWait, deadline - Date.now()));
    return inTime(renewal, wait, () => new Failure("API_UNREACHABLE", `no ${name} in ${Math.round(wait)} ms`));
  }

  async function renew(): Promise<string> {
    const kept = await file.read();
    if (kept && isFresh(kept) && kept.value !== refused) return (held = kept).value;
    backOff.check();
    const fetched = await fetchUnrefused().catch(rethrowSlowed);
    held = fetched;
    await file.write(fetched);
    return fetched.value;
  }

  async function fetchUnrefused(): Promise<Credential> {
    const fetched = await fetch(false);
    if (fetched.value !== refused) return fetched;
    const forced = await fetch(true);
    if (forced.value !== refused) return forced;
    throw new ApiFailure(40001, `WeChat hands out the ${name} that it refuses`);
  }

  function rethrowSlowed(error: unknown): never {
    const quotaWait = error instanceof ApiFailure ? accountFault(error.errcode)?.wait : undefined;
    const wait = backOff.failed(error, quotaWait);
    log.error(describeFailure(error), `no ${name} from WeChat; not asked again for ${wait / 1000} s`);
    throw error;
  }

  function drop(failed: string): void {
    if (held?.value !== failed) return;
    held = undefined;
    refused = failed;
    log.warn(`WeChat refused the ${name}: dropped`);
    drops = [...drops.filter((at) => now() - at < dropWindow), now()];
    if (drops.length > freeDrops) backOff.failed(new ApiFailure(40001, `WeChat refuses each new ${name}`));
  }

  return { get, drop };
}

function isFresh({ expire }: Credential): boolean {
  return expire * 1000 > Date.now();
}

/** Reads `field` and expires_in of an answer. Expires 10 s early, so that what is given out lasts for a call. */
export function credentialFrom({ json }: WechatAnswer, field: string): Credential {
  const { [field]: value, expires_in: lifetime } = json;
  if (typeof value !== "string" || value === "" || !Number.isSafeInteger(lifetime)) {
    throw new Failure("API_UNREACHABLE", `WeChat's answer holds no ${field} with its expires_in`);
  }
  return { value, expire: Math.floor(Date.now() / 1000) + Number(lifetime) - 10 };
}
