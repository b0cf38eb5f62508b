/**
 * The ledger on PostgreSQL, for a wallet that several machines share: one schema. A commit locks the book before its first
 * question, so writers take turns as they do on SQLite; the commands that wait meanwhile share the next commit.
 */
import assert from "node:assert/strict";
import type { Pool, PoolClient } from "pg";
import { StoreError, type TransactionOptions } from "./database.ts";
import { type BookOptions, LedgerBook, type LedgerStore } from "./ledger-book.ts";
import { chainLines, startOfCommit } from "./ledger-chain.ts";
import { unreadable } from "./ledger-error.ts";
import { runLater, type Script } from "./ledger-script.ts";
import { Seals } from "./ledger-seals.ts";
import type { Ledger } from "./ledger.ts";
import {
  answerLater,
  type ConnectOptions,
  connectPostgres,
  postgresError,
  withClient,
} from "./postgres-connections.ts";
import { POSTGRES_STEPS } from "./postgres-schema.ts";

export interface OpenPostgresLedgerOptions extends BookOptions, Partial<ConnectOptions> {
  readonly url: ConnectOptions["url"];
  /** One wallet's book; made where it is not there. Small letters, digits and underscores. */
  readonly schema?: string;
}

/** Opens the book, or throws `LEDGER_UNREADABLE`, `DATABASE_UNREACHABLE`, `DATABASE_TOO_NEW` or `PACKAGE_MISSING`. */
export async function openPostgresLedger(options: OpenPostgresLedgerOptions): Promise<Ledger> {
  const { url, schema = "purser_ledger", bytesKey } = options;
  assert(bytesKey.reveal().length === 32, "bytesKey must have 32 bytes");
  assert(/^[a-z_][a-z0-9_]{0,62}$/.test(schema), "schema must be a plain name");
  const pool = await connectPostgres({ url, schema });
  const store = new PostgresStore(pool, schema, new Seals(bytesKey));
  try {
    await store.migrate();
    const book = new LedgerBook(store, options);
    await book.check();
    return book;
  } catch (error) {
    store.close();
    throw store.explain(error);
  }
}

interface Waiting {
  run: (client: PoolClient) => Promise<() => void>;
  reject: (error: unknown) => void;
  sync: boolean;
}

const MAX_BATCH = 256;

class PostgresStore implements LedgerStore {
  readonly path: string;
  readonly #pool: Pool;
  readonly #schema: string;
  readonly #seals: Seals;
  readonly #waiting: Waiting[] = [];
  #committing = false;

  constructor(pool: Pool, schema: string, seals: Seals) {
    this.path = `the PostgreSQL schema ${schema}`;
    this.#pool = pool;
    this.#schema = schema;
    this.#seals = seals;
  }

  commit<T>(script: () => Script<T>, { sync = true }: TransactionOptions = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = async (client: PoolClient) => {
        const result = await this.#run(client, script);
        return () => resolve(result);
      };
      this.#waiting.push({ run, reject, sync });
      void this.#commitWaiting();
    });
  }

  read<T>(script: () => Script<T>): Promise<T> {
    return this.#inside("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", (client) =>
      this.#run(client, script),
    );
  }

  explain(error: unknown): unknown {
    const ours = postgresError(this.path, error);
    return ours instanceof StoreError && ours.code === "DATABASE_UNREADABLE"
      ? unreadable(this.path, "the server found it damaged", ours)
      : ours;
  }

  close(): void {
    void this.#pool.end().catch(() => undefined);
  }

  /** Brings the schema to the newest shape; processes that open it at once take turns. */
  async migrate(): Promise<void> {
    await this.#inside("BEGIN", async (client) => {
      await client.query("SELECT pg_advisory_xact_lock(hashtext($1))", [`purser ${this.#schema}`]);
      await client.query(`CREATE SCHEMA IF NOT EXISTS ${this.#schema}`);
      await client.query("CREATE TABLE IF NOT EXISTS migration (version BIGINT NOT NULL)");
      const { rows } = await client.query("SELECT version FROM migration");
      const version = Number((rows[0] as { version: bigint } | undefined)?.version ?? 0n);
      const newest = POSTGRES_STEPS.length;
      if (version > newest) {
        throw new StoreError("DATABASE_TOO_NEW", {
          problem: `${this.path} has version ${version} of the ledger, and this program knows ${newest}.`,
          nextStep: "Use the newer version of the program that wrote it.",
        });
      }
      for (const step of POSTGRES_STEPS.slice(version)) await client.query(step);
      if (version === newest) return;
      await client.query("DELETE FROM migration");
      await client.query("INSERT INTO migration (version) VALUES ($1)", [newest]);
    });
  }

  async #commitWaiting(): Promise<void> {
    if (this.#committing) return;
    this.#committing = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      try {
        for (const answer of await this.#commitBatch(batch)) answer();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#committing = false;
  }

  /** Each command in a savepoint of one transaction; what they resolve to is told when it is durable. */
  #commitBatch(batch: readonly Waiting[]): Promise<(() => void)[]> {
    const sync = batch.some((command) => command.sync);
    return this.#inside("BEGIN", async (client) => {
      if (!sync) await client.query("SET LOCAL synchronous_commit = off");
      await client.query("LOCK TABLE book IN EXCLUSIVE MODE");
      const start = await this.#run(client, () => startOfCommit(this.#seals));
      if (start.damage !== undefined) throw unreadable(this.path, start.damage);
      const answers: (() => void)[] = [];
      for (const { run, reject } of batch) {
        await client.query("SAVEPOINT command");
        try {
          answers.push(await run(client));
          await client.query("RELEASE command");
        } catch (error) {
          await client.query("ROLLBACK TO command");
          reject(error);
        }
      }
      await this.#run(client, () => chainLines(this.#seals, start));
      return answers;
    });
  }

  #inside<T>(begin: string, work: (client: PoolClient) => Promise<T>): Promise<T> {
    return withClient(this.#pool, async (client) => {
      await client.query(begin);
      const result = await work(client);
      await client.query("COMMIT");
      return result;
    });
  }

  #run<T>(client: PoolClient, script: () => Script<T>): Promise<T> {
    return runLater(script(), (question) => answerLater(client, question));
  }
}
