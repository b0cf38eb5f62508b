/**
 * The talk with a signer process: intents out, signatures back, in whatever order. A signer that dies or hangs is an error, and
 * never a wait without end.
 */
import type { ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { Address, Hex } from "viem";
import { PaymentError } from "../payment-error.ts";
import type { SignedTotals, SignIntent } from "./intent.ts";
import { onLines } from "./lines.ts";
import {
  type SignerMessage,
  type SignerStartProblem,
  type StartMessage,
  type TotalsMessage,
  writeIntent,
  writeQuestion,
} from "./signer-messages.ts";
import { signerRefused } from "./signer-refusal.ts";

/** Enough to keep the signer busy, few enough that none waits in its pipe for as long as an answer may take. */
const MAX_ASKED = 64;

const PROBLEMS: Readonly<Record<Exclude<SignerStartProblem, "counter">, string>> = {
  unreadable: "cannot be read",
  exposed: "can be read by other users",
  "not-a-key": "does not hold a private key",
  "no-passphrase": "is encrypted, and no passphrase was given",
  passphrase: "does not open with this passphrase",
};

export class SignerConversation {
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
    onLines(child.stdout, (line) => {
      const message = JSON.parse(line) as SignerMessage;
      if ("ready" in message) first.resolve(message);
      else this.#waiting.get(message.id)?.(message);
    });
  }

  async start(start: StartMessage, timeoutMs: number): Promise<Address> {
    this.#child.stdin.write(`${JSON.stringify(start)}\n`);
    const message = await orUndefinedAfter(timeoutMs, this.#first);
    if (message && "ready" in message && message.ready) return message.address;
    if (message && "ready" in message) throw cannotStart(start, message.problem);
    throw failed("The signer process did not start.");
  }

  async signed(): Promise<SignedTotals> {
    const { month, total, providers } = await this.#totals();
    const sums = Object.entries(providers).map(([name, sum]) => [name, BigInt(sum)] as const);
    return { month, total: BigInt(total), providers: Object.fromEntries(sums) };
  }

  async counted(): Promise<number> {
    return (await this.#totals()).counted;
  }

  async #totals(): Promise<TotalsMessage> {
    const id = this.#nextId++;
    const message = await this.#ask(id, writeQuestion({ id }));
    if ("month" in message) return message;
    throw failed("The signer does not say what it has signed.");
  }

  async sign(intent: SignIntent): Promise<Hex> {
    if (this.#asked === MAX_ASKED) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#asked += 1;
    try {
      const id = this.#nextId++;
      const message = await this.#ask(id, writeIntent(id, intent));
      if ("signature" in message) return message.signature;
      throw "refused" in message ? signerRefused(message.refused) : failed("The signer failed.");
    } finally {
      const next = this.#queue.shift();
      if (next) next();
      else this.#asked -= 1;
    }
  }

  async #ask(id: number, line: string): Promise<SignerMessage> {
    if (!this.#child.stdin.writable) throw failed("The signer process has ended.");
    const answer = Promise.withResolvers<SignerMessage | undefined>();
    this.#waiting.set(id, answer.resolve);
    this.#write(line);
    const timer = setTimeout(answer.resolve, this.#signTimeoutMs, undefined);
    const message = await answer.promise;
    clearTimeout(timer);
    this.#waiting.delete(id);
    if (message) return message;
    throw failed("The signer process does not answer.");
  }

  /** What is said together leaves together. */
  #write(line: string): void {
    const { stdin } = this.#child;
    if (stdin.writableCorked === 0) {
      stdin.cork();
      process.nextTick(() => stdin.uncork());
    }
    stdin.write(line);
  }

  /** Closing its input ends it; what does not end is killed. */
  async end(): Promise<void> {
    this.#child.stdin.end();
    const done = this.#ended.then(() => true);
    if ((await orUndefinedAfter(1_000, done)) === undefined) this.#child.kill("SIGKILL");
    await this.#ended;
  }
}

function cannotStart({ keyFile, counterFile }: StartMessage, problem: SignerStartProblem) {
  if (problem === "counter") {
    return new PaymentError("SIGNER_COUNTER_INVALID", {
      problem: `The signer's counter ${counterFile} cannot be trusted: it is damaged, or of another wallet or token.`,
      nextStep: "Nothing is signed. Restore the wallet from a backup, or ask the human to look.",
    });
  }
  return new PaymentError("SIGNER_KEY_INVALID", {
    problem: `The key file ${keyFile} ${PROBLEMS[problem]}.`,
    nextStep: problem.endsWith("passphrase")
      ? "Give the passphrase that it was encrypted with."
      : "Give a file of mode 600 that holds a keystore (version 3), or one private key as 0x and 64 hex digits.",
  });
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
