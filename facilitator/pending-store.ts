/**
 * What was sent and is not known to be over, durably: a transaction is recorded before it leaves, so that a facilitator that
 * died in between finds it again, follows it to its end, and never answers "failed" for a payment that may still settle.
 * Beside it stands which payment went in which transaction: a hint where to look first, which the chain has to confirm.
 */
import type { Address, Hex } from "viem";
import { type Database, migrate } from "../store/index.ts";

/** One account's transaction with one nonce, in all the forms in which it was sent (each replacement pays more). */
export interface SentTransaction {
  readonly account: Address;
  readonly nonce: number;
  /** Newest first. */
  readonly attempts: readonly { readonly hash: Hex; readonly serialized: Hex }[];
  /** Milliseconds since 1970, of the newest attempt. */
  readonly at: number;
}

const STEPS = [
  `CREATE TABLE facilitator_sent (
    hash TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    serialized TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX facilitator_sent_nonce ON facilitator_sent (account, nonce);
  CREATE TABLE facilitator_payment (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL
  ) STRICT;`,
];

/** Payments remembered as hints where to look first; forgotten ones are searched for on the chain. */
const REMEMBERED = 100_000;

export class PendingStore {
  readonly #db: Database;

  constructor(db: Database) {
    migrate(db, "facilitator", STEPS);
    this.#db = db;
  }

  /** Records an attempt and the payments in it; resolves when that is on disk, and only then may it be sent. */
  async record(attempt: {
    account: Address;
    nonce: number;
    hash: Hex;
    serialized: Hex;
    at: number;
    keys: readonly string[];
    /** Nonces of this account that are over, to be forgotten in the same write. */
    over?: readonly number[];
  }): Promise<void> {
    const { account, nonce, hash, serialized, at, keys, over = [] } = attempt;
    const write = () => {
      for (const past of over) this.forgetAttempts(account, past);
      this.#db.run(
        "INSERT OR REPLACE INTO facilitator_sent (hash, account, nonce, serialized, at) VALUES (?, ?, ?, ?, ?)",
        hash,
        account,
        nonce,
        serialized,
        Math.floor(at),
      );
      for (const key of keys) this.#point(key, hash);
      this.#forgetOldest();
    };
    this.#db.transaction(write, { sync: false });
    await this.#db.sync({ alone: keys.length < 2 });
  }

  /** One transaction is over, or never was: what it held needs no following. */
  forgetAttempts(account: Address, nonce: number): void {
    this.#db.run("DELETE FROM facilitator_sent WHERE account = ? AND nonce = ?", account, nonce);
  }

  /** An attempt that the chain did not take. */
  forgetAttempt(hash: Hex): void {
    this.#db.run("DELETE FROM facilitator_sent WHERE hash = ?", hash);
  }

  /** An account's transactions that are not known to be over, by nonce. */
  listSent(account: Address): SentTransaction[] {
    const rows = this.#db
      .query<{ nonce: number; hash: Hex; serialized: Hex; at: number }>(
        "SELECT nonce, hash, serialized, at FROM facilitator_sent WHERE account = ? ORDER BY nonce, at DESC",
      )
      .all(account);
    const byNonce = Map.groupBy(rows, ({ nonce }) => nonce);
    return [...byNonce].map(([nonce, attempts]) => ({
      account,
      nonce,
      attempts,
      at: attempts[0]?.at ?? 0,
    }));
  }

  /** The transaction that a payment was last seen in. */
  findTransaction(key: string): Hex | undefined {
    return this.#db
      .query<{ hash: Hex }>("SELECT hash FROM facilitator_payment WHERE key = ?")
      .get(key)?.hash;
  }

  /** Somebody else's transaction settled it, or a replacement of ours did. */
  point(key: string, hash: Hex): void {
    if (this.findTransaction(key) !== hash) this.#point(key, hash);
  }

  forgetPayment(key: string): void {
    this.#db.run("DELETE FROM facilitator_payment WHERE key = ?", key);
  }

  /** A new row, so that the ones that were pointed at last are remembered longest. */
  #point(key: string, hash: Hex): void {
    this.#db.run("REPLACE INTO facilitator_payment (key, hash) VALUES (?, ?)", key, hash);
  }

  #forgetOldest(): void {
    this.#db.run(
      "DELETE FROM facilitator_payment WHERE id <= (SELECT max(id) FROM facilitator_payment) - ?",
      REMEMBERED,
    );
  }
}
