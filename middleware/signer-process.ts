/**
 * Starts the signer as a process of its own, so that the key is neither in the wallet's memory, nor in an argument, nor in the
 * environment. Node's permission model keeps the child from other files, from starting processes and from workers; keeping it
 * off the network takes Node 25 or later, and `restrictions` says what the running one enforces.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { basename, dirname, extname, join, resolve, sep } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Address, Hex } from "viem";
import { PaymentError } from "./payment-error.ts";
import type { Signer, SignIntent } from "./signer.ts";
import { type SignerMessage, type SignerStartProblem, writeIntent } from "./signer-messages.ts";

export interface SignerProcess extends Signer, AsyncDisposable {
  /** What Node keeps this process from. */
  readonly restrictions: readonly ("files" | "processes" | "network")[];
  readonly pid: number;
  close(): Promise<void>;
}

export interface SignerProcessOptions {
  /** Holds the private key as 0x-text, mode 600; made by the signer itself where it is not there. */
  keyFile: string;
  startTimeoutMs?: number;
  signTimeoutMs?: number;
}

/** Enough to keep the signer busy, few enough that none waits in its pipe for as long as an answer may take. */
const MAX_ASKED = 64;

const PROBLEMS: Readonly<Record<SignerStartProblem, string>> = {
  unreadable: "cannot be read",
  exposed: "can be read by other users",
  "not-a-key": "does not hold a private key",
};

/** Starts the signer; resolves when it has read its key. Throws `SIGNER_KEY_INVALID` or `SIGNER_FAILED`. */
export async function startSignerProcess({
  keyFile,
  startTimeoutMs = 10_000,
  signTimeoutMs = 5_000,
}: SignerProcessOptions): Promise<SignerProcess> {
  mkdirSync(dirname(resolve(keyFile)), { recursive: true, mode: 0o700 });
  // The permission model compares real paths.
  const file = join(realpathSync(dirname(resolve(keyFile))), basename(keyFile));
  const create = !existsSync(file);
  const child = spawn(process.execPath, childArguments(file, create), {
    stdio: ["pipe", "pipe", "ignore"],
    env: {},
    cwd: dirname(file),
  });
  const conversation = new Conversation(child, signTimeoutMs);
  try {
    const address = await conversation.start(file, startTimeoutMs);
    // A wallet that was not closed must not keep its program from ending; the signer then ends with it.
    for (const handle of [child, child.stdin, child.stdout]) {
      (handle as unknown as { unref(): void }).unref();
    }
    return {
      address,
      pid: child.pid ?? 0,
      restrictions:
        Number(process.versions.node.split(".")[0]) >= 25
          ? ["files", "processes", "network"]
          : ["files", "processes"],
      sign: (intent) => conversation.sign(intent),
      close: () => conversation.end(),
      [Symbol.asyncDispose]: () => conversation.end(),
    };
  } catch (error) {
    await conversation.end();
    throw error;
  }
}

class Conversation {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #signTimeoutMs: number;
  readonly #waiting = new Map<number, (message: SignerMessage | undefined) => void>();
  readonly #first: Promise<SignerMessage | undefined>;
  readonly #ended: Promise<void>;
  /** Intents that the signer has not been given yet: a flood waits here, first come first served. */
  readonly #queue: (() => void)[] = [];
  #asked = 0;
  #nextId = 1;

  constructor(child: ChildProcessByStdio<Writable, Readable, null>, signTimeoutMs: number) {
    this.#child = child;
    this.#signTimeoutMs = signTimeoutMs;
    const first = Promise.withResolvers<SignerMessage | undefined>();
    this.#first = first.promise;
    this.#ended = new Promise((resolve) => {
      const end = () => {
        first.resolve(undefined);
        for (const answer of this.#waiting.values()) answer(undefined);
        resolve();
      };
      child.once("close", end);
      child.once("error", end);
    });
    child.stdin.on("error", () => undefined);
    createInterface({ input: child.stdout }).on("line", (line) => {
      const message = JSON.parse(line) as SignerMessage;
      if ("ready" in message) first.resolve(message);
      else this.#waiting.get(message.id)?.(message);
    });
  }

  async start(file: string, timeoutMs: number): Promise<Address> {
    const message = await orUndefinedAfter(timeoutMs, this.#first);
    if (message && "ready" in message && message.ready) return message.address;
    if (message && "ready" in message) {
      throw new PaymentError("SIGNER_KEY_INVALID", {
        problem: `The key file ${file} ${PROBLEMS[message.problem]}.`,
        nextStep: "Give a file of mode 600 that holds one private key as 0x and 64 hex digits.",
      });
    }
    throw failed("The signer process did not start.");
  }

  async sign(intent: SignIntent): Promise<Hex> {
    if (this.#asked === MAX_ASKED) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#asked += 1;
    try {
      return await this.#ask(intent);
    } finally {
      const next = this.#queue.shift();
      if (next) next();
      else this.#asked -= 1;
    }
  }

  async #ask(intent: SignIntent): Promise<Hex> {
    const id = this.#nextId++;
    const answer = Promise.withResolvers<SignerMessage | undefined>();
    this.#waiting.set(id, answer.resolve);
    try {
      if (!this.#child.stdin.writable) throw failed("The signer process has ended.");
      this.#child.stdin.write(writeIntent(id, intent));
      const message = await orUndefinedAfter(this.#signTimeoutMs, answer.promise);
      if (message && "signature" in message) return message.signature;
      throw failed(message ? "The signer refused." : "The signer process does not answer.");
    } finally {
      this.#waiting.delete(id);
    }
  }

  /** Closing its input ends it; what does not end is killed. */
  async end(): Promise<void> {
    this.#child.stdin.end();
    const done = this.#ended.then(() => true);
    if ((await orUndefinedAfter(1_000, done)) === undefined) this.#child.kill("SIGKILL");
    await this.#ended;
  }
}

function childArguments(file: string, create: boolean): string[] {
  const here = fileURLToPath(import.meta.url);
  const root = dirname(dirname(here));
  const reads = [
    file,
    join(root, "package.json"),
    join(root, "middleware", sep),
    join(root, "protocol", sep),
    ...moduleFolders(root).map((folder) => join(folder, sep)),
  ];
  return [
    "--permission",
    ...reads.map((path) => `--allow-fs-read=${path}`),
    ...(create ? [`--allow-fs-write=${file}`] : []),
    "--no-warnings",
    join(dirname(here), `signer-child${extname(here)}`),
    file,
    create ? "create" : "open",
  ];
}

/** Where viem and what it imports are looked for: the folders on the way up, and the real one behind a link. */
function moduleFolders(root: string): string[] {
  const viem = realpathSync(fileURLToPath(import.meta.resolve("viem/accounts")));
  const parts = viem.split(sep);
  const folders = [parts.slice(0, parts.indexOf("node_modules") + 1).join(sep)];
  for (let at = root; at !== dirname(at); at = dirname(at)) folders.push(join(at, "node_modules"));
  return folders.filter((folder) => existsSync(folder));
}

function failed(problem: string): PaymentError {
  return new PaymentError("SIGNER_FAILED", {
    problem,
    nextStep: "Nothing was signed for this payment. Start the wallet again.",
  });
}

async function orUndefinedAfter<T>(ms: number, value: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), ms);
  try {
    return await Promise.race([value, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
