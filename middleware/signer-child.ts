/**
 * The process that holds the key, and nothing else does: it reads the key's file, answers intents on its standard input with
 * signatures on its standard output, and ends when the input closes, so it never outlives the wallet. It prints nothing else.
 * Run by `startSignerProcess` under Node's permission model: no other files, no child processes, no workers.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { accountSigner, type Signer } from "./signer.ts";
import {
  readIntent,
  type SignerMessage,
  type SignerStartProblem,
  type SignRequest,
} from "./signer-messages.ts";

function say(message: SignerMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** Reads the key, made first where the file is not there and we were let to write it. */
function readKey(file: string, create: boolean): Signer | SignerStartProblem {
  try {
    if (create) makeKey(file);
    if ((statSync(file).mode & 0o077) !== 0) return "exposed";
    const key = readFileSync(file, "utf8").trim();
    if (!/^0x[0-9a-fA-F]{64}$/.test(key)) return "not-a-key";
    return accountSigner(privateKeyToAccount(key as `0x${string}`));
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

async function answer(signer: Signer, line: string): Promise<void> {
  let id = -1;
  try {
    const request = JSON.parse(line) as SignRequest;
    id = request.id;
    const intent = readIntent(request);
    if (intent) say({ id, signature: await signer.sign(intent) });
    else say({ id, refused: true });
  } catch {
    say({ id, refused: true });
  }
}

// Ctrl-C in a terminal reaches every process of the group; the wallet may still need a signature to end well.
process.on("SIGINT", () => undefined);
const [file = "", mode] = process.argv.slice(2);
const signer = readKey(file, mode === "create");
if (typeof signer === "string") {
  say({ ready: false, problem: signer });
} else {
  say({ ready: true, address: signer.address });
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
  lines.on("line", (line) => void answer(signer, line));
  lines.on("close", () => process.exit(0));
}
