/** The databases that a ledger is tested on: SQLite always, PostgreSQL where `PURSER_TEST_POSTGRES` names one (its URL). */
import { randomBytes } from "node:crypto";
import { afterAll } from "vitest";
import { Secret } from "../../protocol/index.ts";
import {
  type Ledger,
  openDatabase,
  openLedger,
  type OpenLedgerOptions,
  openPostgresLedger,
} from "../../store/index.ts";
import { IDENTITY, newLedgerPath, openBook } from "./ledger-world.ts";

type Options = Partial<OpenLedgerOptions>;

export interface BookKind {
  name: string;
  skip: boolean;
  /** Opens a book that is bound to `IDENTITY`; `path` is one of `newLedgerPath`. */
  openBook: (options?: Options) => Promise<Ledger & Disposable>;
  openUnbound: (options?: Options) => Promise<Ledger>;
  newLedgerPath: () => string;
  /** Changes the book behind its back. */
  tamper: (path: string, sql: string) => Promise<void>;
  /** Runs `work` while nothing can be committed to the book: here that is until the turn of the event loop ends. */
  withoutCommits: (path: string, work: () => Promise<void>) => Promise<void>;
}

const bytesKey = new Secret(new Uint8Array(32).fill(7));
const url = process.env["PURSER_TEST_POSTGRES"] ?? "";
const schemas: string[] = [];

function newSchema(): string {
  const schema = `purser_test_${randomBytes(8).toString("hex")}`;
  schemas.push(schema);
  return schema;
}

const openOnPostgres = ({ path = newSchema(), ...options }: Options = {}) =>
  openPostgresLedger({ url: new Secret(url), schema: path, bytesKey, ...options });

export const BOOKS: readonly BookKind[] = [
  {
    name: "SQLite",
    skip: false,
    openBook,
    openUnbound: async (options) => openLedger({ path: ":memory:", bytesKey, ...options }),
    newLedgerPath,
    async tamper(path, sql) {
      using db = openDatabase(path);
      const triggers = db.query<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'trigger'",
      );
      for (const { name } of triggers.all()) db.exec(`DROP TRIGGER ${name}`);
      db.exec("PRAGMA foreign_keys = OFF");
      db.exec(sql);
    },
    // A commit is made in a turn of its own, and a read is over within the turn that asks.
    withoutCommits: (_path, work) => work(),
  },
  {
    name: "PostgreSQL (PURSER_TEST_POSTGRES is its URL)",
    skip: url === "",
    async openBook(options) {
      const ledger = await openOnPostgres(options);
      await ledger.bind(IDENTITY);
      return Object.assign(ledger, { [Symbol.dispose]: () => ledger.close() });
    },
    openUnbound: openOnPostgres,
    newLedgerPath: newSchema,
    tamper: (path, sql) =>
      onPostgres(`SET search_path = ${path}; SET session_replication_role = replica; ${sql}`),
    withoutCommits: (path, work) =>
      onPostgres(`BEGIN; LOCK TABLE ${path}.book IN EXCLUSIVE MODE`, work),
  },
];

/** Runs SQL on the test's PostgreSQL, as somebody would who has got hold of it; its transaction ends with `work`. */
async function onPostgres(sql: string, work?: () => Promise<void>): Promise<void> {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    options: "",
    connectionTimeoutMillis: 10_000,
    types: pg.types,
  });
  const client = await pool.connect();
  try {
    await client.query(sql);
    await work?.();
  } finally {
    client.release();
    await pool.end();
  }
}

afterAll(async () => {
  const drops = schemas.splice(0).map((schema) => `DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  if (drops.length > 0) await onPostgres(drops.join("; "));
}, 60_000);
