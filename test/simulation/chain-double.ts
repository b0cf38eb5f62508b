/**
 * A chain with one EIP-3009 token: blocks in virtual time, of which only those some way back are final. What a block takes it takes by
 * the token's own rules (a nonce once, inside its window, as signed), and a reorganisation undoes blocks that are not final.
 */
import { createHash } from "node:crypto";
import type { Hex } from "viem";
import type { Authorization } from "../../protocol/index.ts";
import type { Chance } from "./chance.ts";
import type { Scheduler } from "./scheduler.ts";

export interface Transaction {
  readonly hash: Hex;
  readonly kind: "transfer" | "cancel";
  readonly authorization: Authorization;
  /** False where the signature is not the payer's. */
  readonly signed: boolean;
  /** Told once, of the first block that takes it or refuses it. */
  readonly done: (taken: boolean) => void;
}

export interface Block {
  readonly number: number;
  /** Unix seconds. */
  readonly timestamp: number;
  readonly transactions: readonly Transaction[];
}

export interface ChainWatcher {
  onTransfer(transaction: Transaction, block: Block): void;
  onUndone(transaction: Transaction): void;
}

export interface ChainDoubleOptions {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly blockMs: number;
  /** How many blocks behind the newest the finalized one is. */
  readonly finality: number;
  readonly watcher: ChainWatcher;
}

export class ChainDouble {
  readonly blocks: Block[] = [];
  /** Of a block to undo some that are not final. */
  reorgRate = 0;
  readonly #options: ChainDoubleOptions;
  #waiting: Transaction[] = [];
  /** What ended each nonce, and in which block. */
  readonly #ends = new Map<string, { block: Block; transaction: Transaction }>();
  #count = 0;
  #final = 0;

  constructor(options: ChainDoubleOptions) {
    this.#options = options;
    const timestamp = Math.floor(options.scheduler.now / 1000) - 1;
    this.blocks.push({ number: 0, timestamp, transactions: [] });
    options.scheduler.schedule(options.blockMs, undefined, () => this.#mine());
  }

  get newest(): Block {
    return this.blocks.at(-1)!;
  }

  /** Never an earlier one than before. */
  get finalized(): Block {
    this.#final = Math.max(this.#final, this.newest.number - this.#options.finality);
    return this.blocks[this.#final]!;
  }

  /** How a nonce has ended by a block, if it has. */
  endOf(nonce: string, by: Block = this.newest) {
    const end = this.#ends.get(nonce.toLowerCase());
    return end && end.block.number <= by.number ? end : undefined;
  }

  send(fields: Omit<Transaction, "hash">): Hex {
    this.#count += 1;
    const hash = `0x${createHash("sha256").update(`tx ${this.#count}`).digest("hex")}` as const;
    this.#waiting.push({ ...fields, hash });
    return hash;
  }

  #mine(): void {
    const { scheduler, chance, blockMs } = this.#options;
    scheduler.schedule(blockMs, undefined, () => this.#mine());
    if (chance.happens(this.reorgRate)) this.#reorganise();
    const number = this.newest.number + 1;
    const timestamp = Math.max(this.newest.timestamp + 1, Math.floor(scheduler.now / 1000));
    const block: Block = { number, timestamp, transactions: [] };
    this.blocks.push(block);
    const all = this.#waiting;
    this.#waiting = [];
    for (const transaction of all) {
      const taken = this.#take(transaction, block);
      transaction.done(taken);
    }
  }

  #take(transaction: Transaction, block: Block): boolean {
    const { kind, authorization, signed } = transaction;
    const { nonce, validAfter, validBefore } = authorization;
    const time = BigInt(block.timestamp);
    if (!signed || this.#ends.has(nonce.toLowerCase())) return false;
    if (kind === "transfer" && (time <= validAfter || time >= validBefore)) return false;
    this.#ends.set(nonce.toLowerCase(), { block, transaction });
    (block.transactions as Transaction[]).push(transaction);
    if (kind === "transfer") this.#options.watcher.onTransfer(transaction, block);
    return true;
  }

  /** Takes back some blocks that are not final; most of what was in them is taken again later. */
  #reorganise(): void {
    const { chance } = this.#options;
    const depth = chance.int(1, Math.max(1, this.newest.number - this.finalized.number));
    for (let undone = 0; undone < depth && this.newest !== this.finalized; undone += 1) {
      const block = this.blocks.pop()!;
      for (const transaction of block.transactions) {
        this.#ends.delete(transaction.authorization.nonce.toLowerCase());
        this.#options.watcher.onUndone(transaction);
        if (chance.happens(0.7)) this.#waiting.push({ ...transaction, done: () => undefined });
      }
    }
  }
}
