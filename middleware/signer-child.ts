/**
 * The process that holds the key, and nothing else does: it reads the key's file, answers intents on its standard input with
 * signatures on its standard output, and ends when the input closes, so it never outlives the wallet. It prints nothing else.
 * Run by `startSignerProcess` under Node's permission model: no other files, no child processes, no workers.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { generatePrivateKey } from "viem/accounts";
import { keySigner } from "./key-signer.ts";
import type { Signer } from "./signer.ts";
import {
  readIntent,
  type SignerMessage,
  type SignerStartProblem,
  type SignRequest,
} from "./signer-messages.ts";

const MAX_ANSWERS = 16;

function say(...messages: SignerMessage[]): void {
  process.stdout.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
}

/** Reads the key, made first where the file is not there and we were let to write it. */
async function readKey(file: string, create: boolean): Promise<Signer | SignerStartProblem> {
  try {
    if (create) makeKey(file);
    if ((statSync(file).mode & 0o077) !== 0) return "exposed";
    const key = readFileSync(file, "utf8").trim();
    if (!/^0x[0-9a-fA-F]{64}$/.test(key)) return "not-a-key";
    return await keySigner(key as `0x${string}`);
  } catch {
    return "unreadable";
  }
}

/** Another signer, of a program that was killed a moment ago, may make it at the same time: then its key is the one. */
function makeKey(file: string): void {
  try {
    writeFileSync(file, `${generatePrivateKey()}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/**
 * Signs what is waiting, and answers some at a time: the wallet records together what it hears together, in one disk sync.
 * Between two answers the input is read again.
 */
async function answerWaiting(signer: Signer, waiting: string[]): Promise<void> {
  if (waiting.length === 0) return;
  const answers = await Promise.all(
    waiting.splice(0, MAX_ANSWERS).map((line) => answer(signer, line)),
  );
  say(...answers);
  if (waiting.length > 0) setImmediate(() => void answerWaiting(signer, waiting));
}

async function answer(signer: Signer, line: string): Promise<SignerMessage> {
  let id = -1;
  try {
    const request = JSON.parse(line) as SignRequest;
    id = request.id;
    const intent = readIntent(request);
    return intent ? { id, signature: await signer.sign(intent) } : { id, refused: true };
  } catch {
    return { id, refused: true };
  }
}

// Ctrl-C in a terminal reaches every process of the group; the wallet may still need a signature to end well.
process.on("SIGINT", () => undefined);
const [file = "", mode] = process.argv.slice(2);
const signer = await readKey(file, mode === "create");
if (typeof signer === "string") {
  say({ ready: false, problem: signer });
} else {
  say({ ready: true, address: signer.address });
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
  const waiting: string[] = [];
  lines.on("line", (line) => {
    if (waiting.push(line) === 1) setImmediate(() => void answerWaiting(signer, waiting));
  });
  lines.on("close", () => process.exit(0));
}
