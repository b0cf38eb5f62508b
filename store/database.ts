/**
 * One SQLite file that survives a crash: WAL, every commit synced to disk, writers of several processes waiting for one
 * another. Each role keeps its own tables in its own file. `node:sqlite` is synchronous, and so is a transaction here: an
 * asynchronous one would let another caller's statements slip into it.
 */
import assert from "node:assert/strict";
import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { PurserError } from "../protocol/error.ts";
import { LogSync } from "./log-sync.ts";

export type StoreErrorCode =
  | "DATABASE_UNREADABLE"
  | "DATABASE_BUSY"
  | "DATABASE_TOO_NEW"
  /** The server does not answer, or refuses. */
  | "DATABASE_UNREACHABLE"
  /** A package that this database needs is not installed. */
  | "PACKAGE_MISSING";

export class StoreError extends PurserError<StoreErrorCode> {}

export interface Database extends Disposable {
  readonly path: string;
  /**
   * A question whose rows have the shape that the caller says its own table has. Integers come as numbers, and one that no
   * float can hold throws; ask `prepare` for bigints. It only reads.
   */
  query<Row extends object>(sql: string): Query<Row>;
  /** Returns the number of rows that were changed. */
  run(sql: string, ...values: SQLInputValue[]): number;
  /** Several statements without values, such as a schema. */
  exec(sql: string): void;
  /** A prepared statement, made once for each text; for what the calls above do not offer, such as bigints. */
  prepare(sql: string): StatementSync;
  /**
   * Runs `work` as one transaction that takes the write lock first (`BEGIN IMMEDIATE`): what it reads cannot change before it
   * writes, in any process. Inside another transaction it is a savepoint of that one. `work` must be synchronous.
   */
  transaction<T>(work: () => T, options?: TransactionOptions): T;
  /** Runs `work`, which only reads, on the file as it is at one moment. Nothing waits for it. */
  snapshot<T>(work: () => T, options?: SnapshotOptions): T;
  /**
   * Resolves when everything that was committed before is on disk. The thread goes on meanwhile, unless the caller is `alone`: then it
   * waits, and that is over sooner.
   */
  sync(options?: SyncOptions): Promise<void>;
  /** Names this moment, for `sync`. */
  moment(): number;
  close(): void;
}

export interface TransactionOptions {
  /**
   * False for what means nothing without a later commit: every process sees it at once, and no kill undoes it, but it is on disk
   * only with the next commit that is synced, or with `sync` (the log is written in order), so a power failure may forget it.
   */
  readonly sync?: boolean;
}

interface SyncOptions {
  /** Nobody else has anything to do meanwhile. */
  readonly alone?: boolean;
  /**
   * Only what was committed before this moment (`moment()`) is asked for: where somebody's sync has brought that to the disk since, nothing
   * is synced again.
   */
  readonly upTo?: number;
}

export interface SnapshotOptions {
  /** `work` asks a single question, which is answered from one moment without a transaction. */
  readonly single?: boolean;
}

export interface Query<Row extends object> {
  get(...values: SQLInputValue[]): Row | undefined;
  all(...values: SQLInputValue[]): Row[];
}

const BUSY_TIMEOUT_MS = 10_000;

/**
 * Opens a database file, made with mode 600 where it is not there yet, or `":memory:"`. Throws `DATABASE_UNREADABLE` for a
 * file that is not a sound SQLite database.
 */
export function openDatabase(path: string): Database {
  if (path !== ":memory:") makePrivate(path);
  try {
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    enterWal(db);
    db.exec("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF");
    return new SqliteDatabase(path, db);
  } catch (cause) {
    throw storeError(path, cause);
  }
}

/** SQLite's failure as ours; what is not SQLite's (a caller's own error) comes back as it is. */
function storeError(path: string, cause: unknown): unknown {
  const { errcode } = (cause ?? {}) as { errcode?: unknown };
  if (typeof errcode !== "number") return cause;
  const primary = errcode & 0xff;
  // SQLITE_CONSTRAINT and SQLITE_ERROR are mistakes of the caller's own, not the file's state.
  if (primary === 19 || primary === 1) return cause;
  if (primary === 5 || primary === 6) {
    return new StoreError("DATABASE_BUSY", {
      problem: `${path} was locked by another process for ${BUSY_TIMEOUT_MS / 1000} seconds.`,
      nextStep: "Look for a process that holds it, and try again.",
      cause,
    });
  }
  return unreadable(path, `SQLite code ${errcode}`, cause);
}

function unsynced(path: string, cause: unknown): StoreError {
  return unreadable(path, "its log cannot be brought to the disk", cause);
}

function unreadable(path: string, why: string, cause: unknown): StoreError {
  return new StoreError("DATABASE_UNREADABLE", {
    problem: `${path} cannot be used as a database (${why}).`,
    nextStep: "Restore it from a backup; do not delete it while payments may be open.",
    cause,
  });
}

class SqliteDatabase implements Database {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #log: LogSync;
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;
  #synced = true;
  #open = true;

  constructor(path: string, db: DatabaseSync) {
    this.path = path;
    this.#db = db;
    this.#log = new LogSync(path);
  }

  query<Row extends object>(sql: string): Query<Row> {
    assert(/^\s*(SELECT|WITH|PRAGMA)\s/i.test(sql), "what writes is run");
    const prepare = () => this.prepare(sql);
    return {
      get: (...values) => this.#try(() => prepare().get(...values) as Row | undefined),
      all: (...values) => this.#try(() => prepare().all(...values) as unknown as Row[]),
    };
  }

  run(sql: string, ...values: SQLInputValue[]): number {
    this.#syncCommits(true);
    return this.#try(() => Number(this.prepare(sql).run(...values).changes));
  }

  exec(sql: string): void {
    this.#syncCommits(true);
    this.#execute(sql);
  }

  #execute(sql: string): void {
    this.#try(() => this.#db.exec(sql));
  }

  /** Before a write: whether its commit is to be synced, which inside a transaction is decided. */
  #syncCommits(synced: boolean): void {
    this.#requireSound();
    if (this.#depth > 0 || this.#synced === synced) return;
    this.#execute(`PRAGMA synchronous = ${synced ? "FULL" : "NORMAL"}`);
    this.#synced = synced;
  }

  /** Throws where a sync has failed. */
  #requireSound(): void {
    const { failure } = this.#log;
    if (failure) throw unsynced(this.path, failure.cause);
  }

  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement;
  }

  transaction<T>(work: () => T, { sync = true }: TransactionOptions = {}): T {
    this.#syncCommits(sync);
    return this.#inside("BEGIN IMMEDIATE", work);
  }

  snapshot<T>(work: () => T, { single = false }: SnapshotOptions = {}): T {
    return single ? this.#try(work) : this.#inside("BEGIN DEFERRED", work);
  }

  #inside<T>(begin: string, work: () => T): T {
    const level = this.#depth;
    this.#execute(level === 0 ? begin : `SAVEPOINT level_${level}`);
    this.#depth += 1;
    try {
      const result = this.#try(work);
      assert(!(result instanceof Promise), "a transaction must be synchronous");
      this.#execute(level === 0 ? "COMMIT" : `RELEASE level_${level}`);
      return result;
    } catch (error) {
      this.#undo(level);
      throw error;
    } finally {
      this.#depth = level;
    }
  }

  async sync({ alone = false, upTo }: SyncOptions = {}): Promise<void> {
    if (this.path === ":memory:") return;
    this.#requireSound();
    if (upTo !== undefined && this.#log.isOnDisk(upTo)) return;
    try {
      await (alone ? this.#log.syncNow() : this.#log.sync());
    } catch (cause) {
      throw unsynced(this.path, cause);
    }
  }

  moment(): number {
    return this.#log.moment;
  }

  close(): void {
    this.#statements.clear();
    this.#log.close();
    if (this.#open) this.#db.close();
    this.#open = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** SQLite may have rolled back by itself (a full disk), so a failing rollback hides nothing. */
  #undo(level: number): void {
    try {
      this.#db.exec(
        level === 0 ? "ROLLBACK" : `ROLLBACK TO level_${level}; RELEASE level_${level}`,
      );
    } catch {
      // The error that led here is the one to report.
    }
  }

  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw storeError(this.path, cause);
    }
  }
}

function makePrivate(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, "a", 0o600));
  chmodSync(path, 0o600);
}

/** Two processes that open a new file together may meet a lock that SQLite's busy handler does not wait for. */
function enterWal(db: DatabaseSync): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let attempt = 1; ; attempt += 1) {
    try {
      db.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== 5 || attempt === 100) throw error;
      Atomics.wait(pause, 0, 0, 10);
    }
  }
}
