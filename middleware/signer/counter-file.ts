/**
 * The one file in which a signer counts what it signs, shared by all signers of the wallet on this machine without a lock: each
 * appends its claims, and the order of the file decides which of them have room. Every process reads the same order, and so
 * comes to the same answer. A claim is synced to disk before its signature leaves; a file that is not what was written grants
 * nothing.
 */
import { closeSync, constants, openSync, readSync, write } from "node:fs";
import { promisify } from "node:util";
import { PaymentError } from "../payment-error.ts";
import { type Claim, Counter } from "./counter.ts";
import { type CounterRecord, hashOf, readLine, writeLine } from "./counter-line.ts";
import type { SignerRule } from "./signer-rules.ts";

const writeBytes = promisify(write);
/** Each write is on disk when it returns: Node's permission model has no `fsync`. */
const FLAGS = constants.O_CREAT | constants.O_RDWR | constants.O_APPEND | constants.O_DSYNC;

export interface CounterFileOptions {
  /** Made where it is not there. */
  readonly path: string;
  /** The one wallet and token that it counts for. */
  readonly identity: {
    readonly network: string;
    readonly asset: string;
    readonly address: string;
  };
  /** Seals the lines. */
  readonly sealKey: Uint8Array;
}

/** Others may append between our reading and our writing, so a record may name a tip that is this many lines old. */
const MAX_TIPS = 10_000;

export class CounterFile {
  readonly counter = new Counter();
  readonly #path: string;
  readonly #key: Uint8Array;
  readonly #header: string;
  readonly #fd: number;
  readonly #tips = new Set<string>([""]);
  readonly #chunk = Buffer.alloc(64 * 1024);
  #tip = "";
  #begun = false;
  /** How much of the file is counted, and what was read behind that: a line that does not end yet. */
  #offset = 0;
  #rest: Buffer = Buffer.alloc(0);
  /** A line that is not one of ours; damage, unless the next one says that a crash cut it off. */
  #suspect = false;
  #broken: PaymentError | undefined;

  /** Opens the file and counts what is in it; throws `SIGNER_COUNTER_INVALID`. */
  constructor({ path, identity, sealKey }: CounterFileOptions) {
    this.#path = path;
    this.#key = sealKey;
    this.#header = writeLine(sealKey, { type: "counter", ...identity });
    this.#fd = this.#guard(() => openSync(path, FLAGS, 0o600));
    try {
      this.#guard(() => this.#catchUp());
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Counts the claims that have room: for each the rule that refuses it, or undefined, once that is on disk. */
  async claim(claims: readonly Claim[]): Promise<(SignerRule | undefined)[]> {
    const judged = this.#guard(() => {
      this.#catchUp();
      return claims.map((claim) => this.counter.judge(claim));
    });
    const wanted = claims.filter((_, index) => judged[index] === undefined);
    if (wanted.length === 0) return judged;
    await this.#append(wanted);
    this.#guard(() => this.#catchUp());
    return claims.map((claim, index) => {
      if (judged[index] !== undefined || this.counter.has(claim)) return judged[index];
      return this.counter.judge(claim) ?? "COUNTER";
    });
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Appends claims in one write, also those that were granted before: somebody else's line may not be on disk yet. */
  async #append(claims: readonly Claim[]): Promise<void> {
    const tip = this.#tip;
    const torn = this.#rest.length > 0 ? ["", writeLine(this.#key, { type: "torn" })] : [];
    const header = this.#begun ? [] : [this.#header];
    const lines = claims.map((claim) => writeLine(this.#key, { type: "claim", tip, claim }));
    const bytes = Buffer.from([...torn, ...header, ...lines, ""].join("\n"));
    const { bytesWritten } = await writeBytes(this.#fd, bytes).catch((cause: unknown) => {
      throw this.#break("it cannot be written", cause);
    });
    if (bytesWritten !== bytes.length) throw this.#break("it could only be written in part");
  }

  #catchUp(): void {
    for (;;) {
      const at = this.#offset + this.#rest.length;
      const length = readSync(this.#fd, this.#chunk, 0, this.#chunk.length, at);
      if (length === 0) break;
      const read = Buffer.concat([this.#rest, this.#chunk.subarray(0, length)]);
      const end = read.lastIndexOf(10) + 1;
      this.#rest = read.subarray(end);
      this.#offset += end;
      for (const line of read.toString("utf8", 0, Math.max(0, end - 1)).split("\n")) {
        this.#take(line);
      }
    }
    if (this.#suspect) throw this.#break("its last line is not what was written");
  }

  #take(line: string): void {
    if (line === "") return;
    const record = readLine(this.#key, line);
    const problem = this.#findProblem(line, record);
    if (problem !== undefined) throw this.#break(problem);
    this.#suspect = record === undefined;
    this.#begun ||= record?.type === "counter";
    this.#tip = hashOf(this.#key, this.#tip, line);
    this.#tips.add(this.#tip);
    const [oldest] = this.#tips;
    if (this.#tips.size > MAX_TIPS && oldest !== undefined) this.#tips.delete(oldest);
    if (record?.type === "claim") this.counter.count(record.claim);
  }

  #findProblem(line: string, record: CounterRecord | undefined): string | undefined {
    if (this.#suspect && record?.type !== "torn") return "a line of it is not what was written";
    if (!this.#begun && record?.type === "claim") return "it does not begin as one";
    if (record?.type === "counter" && line !== this.#header) {
      return "it counts for another wallet or token";
    }
    if (record?.type === "claim" && !this.#tips.has(record.tip)) {
      return "a line of it was changed or is gone";
    }
    return undefined;
  }

  /** Once it has shown damage, nothing more is granted. */
  #guard<T>(work: () => T): T {
    if (this.#broken) throw this.#broken;
    try {
      return work();
    } catch (error) {
      throw error instanceof PaymentError ? error : this.#break("it cannot be used", error);
    }
  }

  #break(problem: string, cause?: unknown): PaymentError {
    this.#broken ??= new PaymentError("SIGNER_COUNTER_INVALID", {
      problem: `The signer's counter ${this.#path} cannot be trusted: ${problem}.`,
      nextStep:
        "Nothing is signed any more. Restore the wallet from a backup, or ask the human to look.",
      cause,
    });
    return this.#broken;
  }
}
