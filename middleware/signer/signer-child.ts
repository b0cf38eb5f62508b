/**
 * The process that holds the key, and nothing else does: it reads the key's file, answers intents on its standard input with
 * signatures on its standard output, and ends when the input closes, so it never outlives the wallet. It prints nothing else.
 * Run by `startSignerProcess` under Node's permission model: no other files than its own two, no child processes, no workers.
 */
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import type { Hex } from "viem";
import { Secret } from "../../protocol/secret.ts";
import { decryptKey, readKeystore } from "../keystore/keystore.ts";
import { KeystoreError } from "../keystore/keystore-error.ts";
import { PaymentError } from "../payment-error.ts";
import { type CountedSigner, countedSigner } from "./counted-signer.ts";
import { CounterFile } from "./counter-file.ts";
import { keySigning } from "./key-signer.ts";
import type { SignerRule } from "./signer-rules.ts";
import { onInputLines } from "./lines.ts";
import {
  readIntent,
  type SignerMessage,
  type SignerQuestion,
  type SignerStartProblem,
  type StartMessage,
} from "./signer-messages.ts";

const unsaid: SignerMessage[] = [];

/** Answers that come together leave together. */
function say(message: SignerMessage): void {
  if (unsaid.push(message) > 1) return;
  queueMicrotask(sayAll);
}

/** At once and not through a stream: a child's pipe waits where it is full, and the wallet always reads. */
function sayAll(): void {
  const messages = unsaid.splice(0);
  const bytes = Buffer.from(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
  for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
}

async function start(text: string): Promise<CountedSigner | SignerStartProblem> {
  const message = JSON.parse(text) as StartMessage;
  const { counterFile, asset, limits } = message;
  const key = readKey(message);
  if (!key.startsWith("0x")) return key as SignerStartProblem;
  const signing = await keySigning(key as Hex, asset).catch(() => undefined);
  if (!signing) return "not-a-key";
  const { address, signAuthorization } = signing;
  try {
    const file = new CounterFile({
      path: counterFile,
      identity: { network: asset.network, asset: asset.address, address },
      sealKey: createHmac("sha256", key).update("purser signer counter").digest(),
    });
    const { maxPerCall, maxPerProviderMonth, maxPerMonth, maxWindowSeconds } = limits;
    return countedSigner({
      asset,
      address,
      limits: {
        maxPerCall: BigInt(maxPerCall),
        maxPerProviderMonth: BigInt(maxPerProviderMonth),
        maxPerMonth: BigInt(maxPerMonth),
        maxWindowSeconds,
      },
      signAuthorization,
      file,
    });
  } catch {
    return "counter";
  }
}

/** Reads the key, made first where the file is not there and we were let to write it. */
function readKey({ keyFile, create, passphrase }: StartMessage): Hex | SignerStartProblem {
  try {
    if (create) makeKey(keyFile);
    if ((statSync(keyFile).mode & 0o077) !== 0) return "exposed";
    const text = readFileSync(keyFile, "utf8").trim();
    if (text.startsWith("{")) return openKeystore(text, passphrase);
    return /^0x[0-9a-fA-F]{64}$/.test(text) ? (text as Hex) : "not-a-key";
  } catch {
    return "unreadable";
  }
}

function openKeystore(text: string, passphrase: string | undefined): Hex | SignerStartProblem {
  if (passphrase === undefined) return "no-passphrase";
  try {
    return decryptKey(readKeystore(text), new Secret(passphrase));
  } catch (error) {
    return error instanceof KeystoreError && error.code === "KEYSTORE_PASSPHRASE"
      ? "passphrase"
      : "not-a-key";
  }
}

/** Another signer, of a program that was killed a moment ago, may make it at the same time: then its key is the one. */
function makeKey(file: string): void {
  try {
    writeFileSync(file, `0x${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

async function answer(signer: CountedSigner, line: string): Promise<void> {
  let id = -1;
  try {
    const question = JSON.parse(line) as SignerQuestion;
    id = question.id;
    if (question.intent === undefined) {
      return say({ id, ...totalsOf(signer), counted: (await signer.counted?.()) ?? 0 });
    }
    const intent = readIntent(question.intent);
    if (!intent) return say({ id, refused: "INTENT" });
    say({ id, signature: await signer.sign(intent) });
  } catch (error) {
    say(error instanceof PaymentError ? { id, refused: ruleOf(error) } : { id, failed: true });
  }
}

function totalsOf(signer: CountedSigner) {
  const { month, total, providers } = signer.signed();
  const texts = Object.entries(providers).map(([name, sum]) => [name, sum.toString()] as const);
  return { month, total: total.toString(), providers: Object.fromEntries(texts) };
}

function ruleOf({ code, details }: PaymentError): SignerRule {
  return code === "SIGNER_REFUSED" ? (details?.["rule"] as SignerRule) : "COUNTER";
}

// Ctrl-C in a terminal reaches every process of the group; the wallet may still need a signature to end well.
process.on("SIGINT", () => undefined);
let signer: CountedSigner | undefined;
onInputLines(
  (line) => void (signer ? answer(signer, line) : begin(line)),
  () => process.exit(0),
);

async function begin(line: string): Promise<void> {
  const started = await start(line);
  if (typeof started === "string") return say({ ready: false, problem: started });
  signer = started;
  say({ ready: true, address: signer.address });
}
