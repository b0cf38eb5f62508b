/**
 * The ledger's tables. What must never happen is refused by the database too: two live authorizations of a purchase, a nonce
 * used twice, a negative sum, a journal line that is changed afterwards.
 */
import type { Database } from "./database.ts";
import { chainLines } from "./ledger-chain.ts";
import type { AuthRow } from "./ledger-rows.ts";
import { ask, type Question, runNow, type Script } from "./ledger-script.ts";
import type { Seals } from "./ledger-seals.ts";
import type { MigrationStep } from "./migrate.ts";

/** `seals` are those of the key that the book is kept under from its second version on. */
export const ledgerSteps = (seals: Seals): readonly MigrationStep[] => [
  TABLES,
  (db) => {
    db.exec(CHAIN);
    runNow(sealAll(seals), (question) => answer(db, question));
  },
  BEGUN_AND_KEPT,
  numberBegun("INTEGER"),
];

/** For both databases. What is there counts on. */
export const numberBegun = (integer: "INTEGER" | "BIGINT"): string => `
  ALTER TABLE begun ADD COLUMN n ${integer} NOT NULL DEFAULT 0;
  UPDATE begun SET n = (SELECT count(*) FROM begun AS other
    WHERE other.name = begun.name AND (other.at, other.auth) <= (begun.at, begun.auth));
  `;

/** Answers a question of a script. */
export function answer(db: Database, { sql, values }: Question): object[] {
  const statement = db.prepare(sql);
  if (!exact.has(statement)) {
    statement.setReadBigInts(true);
    exact.add(statement);
  }
  return statement.all(...values);
}

/** Those that read integers as bigints. */
const exact = new WeakSet<object>();

function* sealAll(seals: Seals): Script<void> {
  for (const row of yield* ask<AuthRow>("SELECT * FROM auth")) {
    yield* ask("UPDATE auth SET seal = ? WHERE id = ?", seals.row(row), row.id);
  }
  yield* chainLines(seals);
}

const BEGUN_AND_KEPT = `
  CREATE TABLE begun (
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    auth INTEGER NOT NULL REFERENCES auth (id),
    PRIMARY KEY (name, at, auth)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE kept (
    purchase TEXT PRIMARY KEY,
    request BLOB NOT NULL,
    answer BLOB
  ) STRICT;
  `;

const CHAIN = `
  ALTER TABLE auth ADD COLUMN seal BLOB;
  DELETE FROM book WHERE key = 'time';

  CREATE TABLE batch (
    seq INTEGER PRIMARY KEY,
    last_line INTEGER NOT NULL UNIQUE,
    hash BLOB NOT NULL
  ) STRICT;
  CREATE TRIGGER batch_is_not_changed BEFORE UPDATE ON batch
    BEGIN SELECT RAISE (ABORT, 'the chain is append-only'); END;
  CREATE TRIGGER batch_is_not_deleted BEFORE DELETE ON batch
    BEGIN SELECT RAISE (ABORT, 'the chain is append-only'); END;

  CREATE TABLE checkpoint (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    last_line INTEGER NOT NULL,
    hash BLOB NOT NULL,
    mac BLOB NOT NULL
  ) STRICT;
  `;

const TABLES = `
  CREATE TABLE book (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT;

  CREATE TABLE auth (
    id INTEGER PRIMARY KEY,
    purchase TEXT NOT NULL,
    epoch INTEGER NOT NULL CHECK (epoch > 0),
    nonce TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL
      CHECK (state IN ('reserved', 'signing', 'sent', 'unknown', 'claimed', 'settled', 'released')),
    provider TEXT NOT NULL,
    service TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    pay_to TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    valid_after INTEGER NOT NULL,
    valid_before INTEGER NOT NULL,
    payment BLOB,
    tx TEXT,
    proof TEXT,
    reserved_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (purchase, epoch)
  ) STRICT;
  CREATE UNIQUE INDEX auth_one_live ON auth (purchase) WHERE state <> 'released';
  CREATE INDEX auth_open ON auth (id) WHERE state NOT IN ('settled', 'released');

  CREATE TABLE scope (
    key TEXT PRIMARY KEY,
    settled INTEGER NOT NULL DEFAULT 0 CHECK (settled >= 0),
    reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE auth_scope (
    auth INTEGER NOT NULL REFERENCES auth (id),
    key TEXT NOT NULL REFERENCES scope (key),
    PRIMARY KEY (auth, key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    auth INTEGER NOT NULL REFERENCES auth (id),
    from_state TEXT,
    to_state TEXT NOT NULL,
    credit TEXT NOT NULL,
    debit TEXT NOT NULL,
    amount INTEGER NOT NULL
  ) STRICT;
  CREATE TRIGGER journal_is_not_changed BEFORE UPDATE ON journal
    BEGIN SELECT RAISE (ABORT, 'the journal is append-only'); END;
  CREATE TRIGGER journal_is_not_deleted BEFORE DELETE ON journal
    BEGIN SELECT RAISE (ABORT, 'the journal is append-only'); END;
  `;
