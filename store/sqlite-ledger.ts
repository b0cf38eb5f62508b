/**
 * The ledger on SQLite: one file, shared by any number of processes on a machine. A commit takes the write lock before its first
 * question. Sums are kept per scope, so a command costs the same with a million payments in the book as with none.
 */
import assert from "node:assert/strict";
import { CommitQueue } from "./commit-queue.ts";
import {
  type Database,
  openDatabase,
  type SnapshotOptions,
  StoreError,
  type TransactionOptions,
} from "./database.ts";
import { type BookOptions, LedgerBook, type LedgerStore } from "./ledger-book.ts";
import { chainLines, type ChainStart, startOfCommit } from "./ledger-chain.ts";
import { unreadable } from "./ledger-error.ts";
import { answer, ledgerSteps } from "./ledger-schema.ts";
import { runNow, type Script } from "./ledger-script.ts";
import { Seals } from "./ledger-seals.ts";
import { verifyBook } from "./ledger-verify.ts";
import type { Ledger } from "./ledger.ts";
import { migrate } from "./migrate.ts";

export interface OpenLedgerOptions extends BookOptions {
  /** The file, or ":memory:". */
  path: string;
}

/** Up to here opening looks at every page of the file; in a larger one a damaged page shows when it is read. */
const CHECKED_BYTES = 64 * 1024 * 1024;

/** Opens the book, or throws `LEDGER_UNREADABLE` when it is damaged or is not what was written. */
export function openLedger(options: OpenLedgerOptions): Ledger {
  const { path, bytesKey } = options;
  assert(bytesKey.reveal().length === 32, "bytesKey must have 32 bytes");
  let db: Database | undefined;
  try {
    db = openDatabase(path);
    const seals = new Seals(bytesKey);
    migrate(db, "ledger", ledgerSteps(seals));
    const store = new SqliteStore(db, seals);
    const damage = store.findDamagedPage() ?? store.findChange();
    if (damage !== undefined) throw unreadable(path, damage);
    return new LedgerBook(store, options);
  } catch (error) {
    db?.close();
    throw asUnreadable(path, error);
  }
}

class SqliteStore implements LedgerStore {
  readonly path: string;
  readonly #db: Database;
  readonly #seals: Seals;
  readonly #queue: CommitQueue;

  constructor(db: Database, seals: Seals) {
    this.path = db.path;
    this.#db = db;
    this.#seals = seals;
    let start: ChainStart | undefined;
    this.#queue = new CommitQueue({
      db,
      begin: () => {
        start = this.#run(() => startOfCommit(seals));
        if (start.damage !== undefined) throw unreadable(db.path, start.damage);
      },
      end: () => this.#run(() => chainLines(seals, start)),
    });
  }

  commit<T>(script: () => Script<T>, options?: TransactionOptions): Promise<T> {
    return this.#queue.commit(() => this.#run(script), options);
  }

  sync(): Promise<void> {
    return this.#queue.sync();
  }

  async read<T>(script: () => Script<T>, options?: SnapshotOptions): Promise<T> {
    return this.#db.snapshot(() => this.#run(script), options);
  }

  explain(error: unknown): unknown {
    return asUnreadable(this.path, error);
  }

  close(): void {
    this.#db.close();
  }

  findDamagedPage(): string | undefined {
    const pragma = (name: string) => this.#db.prepare(`PRAGMA ${name}`).get() as object;
    const [size] = Object.values(pragma("page_size")) as [number];
    const [count] = Object.values(pragma("page_count")) as [number];
    if (size * count > CHECKED_BYTES) return undefined;
    const [check] = Object.values(pragma("integrity_check(1)")) as [string];
    return check === "ok" ? undefined : `a page of the file is damaged (${check})`;
  }

  findChange(): string | undefined {
    const seals = this.#seals;
    return this.#db.snapshot(() => this.#run(() => verifyBook({ seals, whole: false })).damage);
  }

  #run<T>(script: () => Script<T>): T {
    return runNow(script(), (question) => answer(this.#db, question));
  }
}

/** Damage is also what makes SQLite refuse a statement of ours: the tables are then not those that we made. */
function asUnreadable(path: string, error: unknown): unknown {
  const refused = (error as { code?: unknown } | undefined)?.code === "ERR_SQLITE_ERROR";
  if (refused || (error instanceof StoreError && error.code === "DATABASE_UNREADABLE")) {
    return unreadable(path, "the file is damaged or cannot be read", error);
  }
  return error;
}
