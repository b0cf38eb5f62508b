/**
 * The ledger's tables. What must never happen is refused by the database too: two live authorizations of a purchase, a nonce
 * used twice, a negative sum, a journal line that is changed afterwards.
 */
import type { MigrationStep } from "./migrate.ts";

export const LEDGER_STEPS: readonly MigrationStep[] = [
  `
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
  `,
];
