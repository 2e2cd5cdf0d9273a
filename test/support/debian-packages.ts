import { execFile } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { createReaper } from "./reaper.ts";

const exec = promisify(execFile);

/** Of all that rabbitmq-server depends on: Erlang, and the libraries that a minimal machine may lack. */
const needed = /^(rabbitmq-server|erlang-.*|lib(ssl|sctp|tinfo|ncurses)\d\w*)$/;

/**
 * Unpacks Debian's or Ubuntu's own RabbitMQ and Erlang into the cache folder, once, and returns the `sbin` folder.
 * Needs neither root nor a former `apt-get update`, and installs nothing. Throws the reason when it cannot be done.
 */
export async function unpackRabbitmq(): Promise<string> {
  const root = await unpack("rabbitmq", { package: "rabbitmq-server", needed, relocate: relocateErlang });
  const sbin = findSbin(root);
  if (!sbin) throw new Error("the distribution's rabbitmq-server package holds no sbin folder");
  return sbin;
}

/** The same with the distribution's Python library for RabbitMQ: returns the folder for PYTHONPATH. */
export async function unpackPika(): Promise<string> {
  const root = await unpack("python3-pika", { package: "python3-pika", needed: /^python3-pika$/ });
  return join(root, "usr/lib/python3/dist-packages");
}

interface Unpacked {
  package: string;
  /** Which of the packages it depends on, and itself. */
  needed: RegExp;
  /** Makes the files fit for the folder they will be in. */
  relocate?: (root: string, destination: string) => Promise<void>;
}

/** The folder of the cache that holds the packages' files, filled when it is not there yet. */
async function unpack(name: string, { package: wanted, needed, relocate }: Unpacked): Promise<string> {
  const destination = join(cacheFolder(), `${name}-${await codename()}`);
  if (existsSync(destination)) return destination;
  await mkdir(dirname(destination), { recursive: true });
  const work = await mkdtemp(`${destination}.partial-`);
  const reaper = createReaper(work);
  try {
    await downloadPackages(work, wanted, needed);
    await unpackPackages(work);
    await relocate?.(join(work, "root"), destination);
    await keep(join(work, "root"), destination);
  } finally {
    await reaper.reap();
  }
  return destination;
}

function cacheFolder(): string {
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "wx-bridge");
}

async function codename(): Promise<string> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  const name = /^VERSION_CODENAME="?([\w.-]+)"?$/m.exec(release)?.[1];
  if (!name || !existsSync("/usr/bin/apt-get")) throw new Error("this is neither Debian nor Ubuntu");
  return name;
}

function findSbin(root: string): string | undefined {
  const found = globSync("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin", { cwd: root })[0];
  return found && join(root, found);
}

/** Tries the machine's package lists first; they may be missing, or so old that the packages are no longer there. */
async function downloadPackages(work: string, wanted: string, needed: RegExp): Promise<void> {
  await mkdir(join(work, "debs"));
  try {
    await download(work, await aptOptions(work, "/var/lib/apt/lists"), wanted, needed);
  } catch {
    const options = await aptOptions(work, join(work, "lists"));
    // One unreachable third-party source fails the whole update, though the distribution's lists have come.
    const failure = await apt(work, [...options, "update"]).then(
      () => undefined,
      (error: unknown) => error,
    );
    await download(work, options, wanted, needed).catch((error: unknown) => {
      throw failure ?? error;
    });
  }
}

async function download(work: string, options: string[], wanted: string, needed: RegExp): Promise<void> {
  const plan = await apt(work, [...options, "install", "-s", "--no-install-recommends", wanted]);
  const names = [...plan.matchAll(/^Inst (\S+)/gm)].flatMap((match) => match[1] ?? []);
  await apt(work, [...options, "download", ...names.filter((name) => needed.test(name))]);
}

/**
 * A configuration under which apt writes into the work folder only, and takes no package as installed, so that the plan
 * names everything. The machine's hooks are left out: they expect root. Its sources, proxies and keys are kept.
 */
async function aptOptions(work: string, lists: string): Promise<string[]> {
  const file = join(work, "apt.conf");
  await mkdir(join(work, "lists/partial"), { recursive: true });
  await mkdir(join(work, "cache/archives/partial"), { recursive: true });
  await writeFile(
    file,
    `Dir::State "${work}";
Dir::State::lists "${lists}";
Dir::State::status "/dev/null";
Dir::Cache "${work}/cache";
Debug::NoLocking "true";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "2";
APT::Update::Error-Mode "any";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
`,
  );
  return ["-q", "-c", file];
}

async function apt(work: string, options: string[]): Promise<string> {
  const env = { ...process.env, LC_ALL: "C" };
  const run = { cwd: join(work, "debs"), env, timeout: 300_000, maxBuffer: 16 * 1024 * 1024 };
  try {
    return (await exec("apt-get", options, run)).stdout;
  } catch (error) {
    const output = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
    const errors = output
      .match(/^E: .*$/gm)
      ?.slice(0, 3)
      .join("\n");
    throw errors ? new Error(errors, { cause: error }) : error;
  }
}

async function unpackPackages(work: string): Promise<void> {
  const debs = await readdir(join(work, "debs"));
  for (const deb of debs) await exec("dpkg-deb", ["-x", join(work, "debs", deb), join(work, "root")]);
}

/** Erlang's start scripts name their own folder absolutely. */
async function relocateErlang(root: string, destination: string): Promise<void> {
  for (const name of globSync("usr/lib/erlang/{,erts-*/}bin/{erl,start}", { cwd: root })) {
    const file = join(root, name);
    const script = await readFile(file, "utf8");
    await writeFile(file, script.replaceAll("/usr/lib/erlang", join(destination, "usr/lib/erlang")));
    await chmod(file, 0o755);
  }
}

/** A rename is all or nothing; when another process was faster, its result is as good. */
async function keep(root: string, destination: string): Promise<void> {
  await rename(root, destination).catch((error: unknown) => {
    if (!existsSync(destination)) throw error;
  });
}
