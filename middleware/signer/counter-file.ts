/**
 * The one file in which a signer counts what it signs, shared by all signers of the wallet on this machine without a lock: each
 * appends its claims, and the order of the file decides which of them have room. Every process reads the same order, and so
 * comes to the same answer. A claim is in the file before its signature leaves, which a killed process does not undo, and on
 * disk before a signature of the batch after it leaves, so that a power cut forgets one batch at most; a file that is not what
 * was written grants nothing.
 */
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { type Hmac, oneShotHmac } from "../../protocol/one-shot-hmac.ts";
import { PaymentError } from "../payment-error.ts";
import { type Claim, Counter } from "./counter.ts";
import { type CounterRecord, hashOf, readLine, writeLine } from "./counter-line.ts";
import { DiskSync } from "./disk-sync.ts";
import type { SignerRule } from "./signer-rules.ts";

const FLAGS = constants.O_CREAT | constants.O_RDWR | constants.O_APPEND;

export interface Claimed {
  /** For each claim the rule that refuses it, or undefined once it is counted. */
  readonly rules: readonly (SignerRule | undefined)[];
  /** Resolves when what was granted before is on the disk, and a signature may leave; throws `SIGNER_COUNTER_INVALID`. */
  readonly mayLeave: () => Promise<void>;
}

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

/** Milliseconds; who pays for one thing after the other has their book synced by then, and the disk is free. */
const QUIET_MS = 1;

/** Others may append between our reading and our writing, so a record may name a tip that is this many lines old. */
const MAX_TIPS = 10_000;

export class CounterFile {
  readonly counter = new Counter();
  readonly #path: string;
  readonly #hmac: Hmac;
  readonly #header: string;
  readonly #fd: number;
  readonly #disk: DiskSync;
  /** The sync that began last. */
  #sync: Promise<void> = Promise.resolve();
  #isSyncing = false;
  /** One that waits for that to end. */
  #next: Promise<void> | undefined;
  /** Whether something stands in the file that no sync has begun for. */
  #isBehind = true;
  /** Begins one, where nobody needs it sooner. */
  #timer: NodeJS.Timeout | undefined;
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
    this.#hmac = oneShotHmac(sealKey);
    this.#header = writeLine(this.#hmac, { type: "counter", ...identity });
    this.#fd = this.#guard(() => openSync(path, FLAGS, 0o600));
    this.#disk = new DiskSync(path);
    try {
      this.#guard(() => this.#catchUp());
      // What a killed signer left behind goes to the disk before anything new leaves.
      void this.#syncAll();
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  /** Counts the claims that have room, in the file. */
  claim(claims: readonly Claim[]): Claimed {
    const wasBehind = this.#isBehind;
    const rules = this.#guard(() => this.#count(claims));
    // What comes along with what was there before needs no sync of its own.
    const before = wasBehind ? this.#syncAll() : this.#sync;
    if (this.#isBehind && !this.#next) {
      this.#timer ??= setTimeout(() => void this.#syncAll(), QUIET_MS);
    }
    return { rules, mayLeave: () => before.then(() => this.#guard(() => undefined)) };
  }

  /** How many payments it counts, all of them on the disk. */
  async size(): Promise<number> {
    await this.#syncAll();
    return this.counter.size;
  }

  /** Once everything is on the disk. */
  async close(): Promise<void> {
    await this.#syncAll();
    this.#close();
  }

  #close(): void {
    closeSync(this.#fd);
    this.#disk.close();
  }

  #count(claims: readonly Claim[]): Claimed["rules"] {
    this.#catchUp();
    const judged = claims.map((claim) => this.counter.judge(claim));
    const wanted = claims.filter((_, index) => judged[index] === undefined);
    if (wanted.length === 0) return judged;
    this.#append(wanted);
    this.#isBehind = true;
    return claims.map((claim, index) => {
      if (judged[index] !== undefined || this.counter.has(claim)) return judged[index];
      return this.counter.judge(claim) ?? "COUNTER";
    });
  }

  /**
   * Appends claims in one write, also those that were granted before: where that was by another, its line may be lost yet. Then counts
   * what has come, with these.
   */
  #append(claims: readonly Claim[]): void {
    const tip = this.#tip;
    const torn = this.#rest.length > 0 ? ["", writeLine(this.#hmac, { type: "torn" })] : [];
    const header = this.#begun ? [] : [this.#header];
    const records = claims.map((claim) => ({ type: "claim", tip, claim }) as const);
    const lines = records.map((record) => writeLine(this.#hmac, record));
    const bytes = Buffer.from([...torn, ...header, ...lines, ""].join("\n"));
    const written = writeSync(this.#fd, bytes);
    if (written !== bytes.length) throw this.#break("it could only be written in part");
    const end = this.#offset + bytes.length;
    const isOwn = torn.length === 0 && header.length === 0 && this.#endsAt(end);
    if (!isOwn) return this.#catchUp();
    // Nobody has written in between: what is there is what was written just now.
    for (const [index, record] of records.entries()) this.#take(lines[index]!, record);
    this.#offset = end;
  }

  #endsAt(offset: number): boolean {
    return readSync(this.#fd, this.#chunk, 0, 2, offset - 1) === 1;
  }

  /**
   * Brings what is counted to the disk, in the background: at once, or after the sync that is under way, which it then shares with whoever asks
   * meanwhile. Where it fails, nothing more is granted.
   */
  #syncAll(): Promise<void> {
    if (!this.#isBehind) return this.#sync;
    if (!this.#isSyncing) return this.#beginSync();
    return (this.#next ??= this.#sync.then(() => {
      this.#next = undefined;
      return this.#beginSync();
    }));
  }

  #beginSync(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isBehind = false;
    this.#isSyncing = true;
    return (this.#sync = this.#disk
      .syncUpTo(this.#offset)
      .catch((cause: unknown) => void this.#break("it cannot be brought to the disk", cause))
      .then(() => void (this.#isSyncing = false)));
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
      // A file gives less than was asked for only at its end.
      if (length < this.#chunk.length) break;
    }
    if (this.#suspect) throw this.#break("its last line is not what was written");
  }

  #take(line: string, record = readLine(this.#hmac, line)): void {
    if (line === "") return;
    const problem = this.#findProblem(line, record);
    if (problem !== undefined) throw this.#break(problem);
    this.#suspect = record === undefined;
    this.#begun ||= record?.type === "counter";
    this.#tip = hashOf(this.#hmac, this.#tip + line);
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
