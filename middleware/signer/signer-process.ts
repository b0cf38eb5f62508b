/**
 * Starts the signer as a process of its own, so that the key is neither in the wallet's memory, nor in an argument, nor in the
 * environment. Node's permission model keeps the child from other files, from starting processes and from workers; keeping it
 * off the network takes Node 25 or later, and `restrictions` says what the running one enforces.
 */
import { spawn } from "node:child_process";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, realpathSync } from "node:fs";
import { basename, dirname, extname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type Asset, BASE_SEPOLIA_USDC } from "../../protocol/asset.ts";
import type { Secret } from "../../protocol/secret.ts";
import {
  DEFAULT_SIGNER_LIMITS,
  type SignedTotals,
  type Signer,
  type SignerLimits,
} from "./intent.ts";
import { SignerConversation } from "./signer-conversation.ts";

export interface SignerProcess extends Required<Signer>, AsyncDisposable {
  /** What Node keeps this process from. */
  readonly restrictions: readonly ("files" | "processes" | "network")[];
  readonly pid: number;
  /** What it allows itself for as long as it runs. */
  readonly limits: SignerLimits;
  /** What it has signed this month, together with every other signer of the same counter. */
  signed(): Promise<SignedTotals>;
  close(): Promise<void>;
}

export interface SignerProcessOptions {
  /** Holds the private key, as 0x-text or as a keystore of version 3, mode 600; made by the signer itself where it is not there. */
  keyFile: string;
  /** Of a keystore. It goes to the signer over its pipe, and the key that it opens stays there. */
  passphrase?: Secret | undefined;
  /** Where it counts what it has signed, beside the key (`<keyFile>.counter`) unless given. Every signer of a key shares one. */
  counterFile?: string;
  /** The one token that it signs for; Base Sepolia's USDC unless given. */
  asset?: Asset;
  /** Over `DEFAULT_SIGNER_LIMITS`; fixed for as long as the signer runs. */
  limits?: Partial<SignerLimits>;
  startTimeoutMs?: number;
  signTimeoutMs?: number;
}

/** Starts the signer; resolves when it has read its key. Throws `SIGNER_KEY_INVALID`, `SIGNER_COUNTER_INVALID` or `SIGNER_FAILED`. */
export async function startSignerProcess({
  keyFile,
  passphrase,
  counterFile = `${keyFile}.counter`,
  asset = BASE_SEPOLIA_USDC,
  limits: given,
  startTimeoutMs = passphrase ? 60_000 : 10_000,
  signTimeoutMs = 5_000,
}: SignerProcessOptions): Promise<SignerProcess> {
  const limits = { ...DEFAULT_SIGNER_LIMITS, ...given };
  const [key, counter] = [realPath(keyFile), realPath(counterFile)];
  const create = !existsSync(key);
  makeFile(counter);
  const child = spawn(process.execPath, childArguments(key, create, counter), {
    stdio: ["pipe", "pipe", "ignore"],
    env: {},
    cwd: dirname(key),
  });
  const conversation = new SignerConversation(child, signTimeoutMs);
  try {
    const start = {
      keyFile: key,
      create,
      ...(passphrase ? { passphrase: passphrase.reveal() } : {}),
      counterFile: counter,
      asset,
      limits: asText(limits),
    };
    const address = await conversation.start(start, startTimeoutMs);
    // A wallet that was not closed must not keep its program from ending; the signer then ends with it.
    for (const handle of [child, child.stdin, child.stdout]) {
      (handle as unknown as { unref(): void }).unref();
    }
    return {
      address,
      limits,
      pid: child.pid ?? 0,
      restrictions:
        Number(process.versions.node.split(".")[0]) >= 25
          ? ["files", "processes", "network"]
          : ["files", "processes"],
      sign: (intent) => conversation.sign(intent),
      signed: () => conversation.signed(),
      counted: () => conversation.counted(),
      close: () => conversation.end(),
      [Symbol.asyncDispose]: () => conversation.end(),
    };
  } catch (error) {
    await conversation.end();
    throw error;
  }
}

/** The permission model compares real paths. */
function realPath(path: string): string {
  const folder = dirname(resolve(path));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return join(realpathSync(folder), basename(path));
}

/** The signer may write the counter and not its folder, so the file's name is made durable here. */
function makeFile(path: string): void {
  if (existsSync(path)) return;
  closeSync(openSync(path, "a", 0o600));
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
}

function asText({ maxPerCall, maxPerProviderMonth, maxPerMonth, maxWindowSeconds }: SignerLimits) {
  return {
    maxPerCall: maxPerCall.toString(),
    maxPerProviderMonth: maxPerProviderMonth.toString(),
    maxPerMonth: maxPerMonth.toString(),
    maxWindowSeconds,
  };
}

function childArguments(key: string, create: boolean, counter: string): string[] {
  const here = fileURLToPath(import.meta.url);
  const root = dirname(dirname(dirname(here)));
  const reads = [
    key,
    counter,
    join(root, "package.json"),
    join(root, "middleware", sep),
    join(root, "protocol", sep),
    ...moduleFolders(root).map((folder) => join(folder, sep)),
  ];
  return [
    "--permission",
    ...reads.map((path) => `--allow-fs-read=${path}`),
    `--allow-fs-write=${counter}`,
    ...(create ? [`--allow-fs-write=${key}`] : []),
    "--no-warnings",
    join(dirname(here), `signer-child${extname(here)}`),
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
