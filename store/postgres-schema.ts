/** The ledger's tables on PostgreSQL: the same as on SQLite, and the same things refused by the database itself. */
import { numberBegun } from "./ledger-schema.ts";

export const POSTGRES_STEPS: readonly string[] = [
  `
  CREATE TABLE book (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  );

  CREATE TABLE auth (
    id BIGINT PRIMARY KEY,
    purchase TEXT NOT NULL,
    epoch BIGINT NOT NULL CHECK (epoch > 0),
    nonce TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL
      CHECK (state IN ('reserved', 'signing', 'sent', 'unknown', 'claimed', 'settled', 'released')),
    provider TEXT NOT NULL,
    service TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    pay_to TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    valid_after BIGINT NOT NULL,
    valid_before BIGINT NOT NULL,
    payment BYTEA,
    tx TEXT,
    proof TEXT,
    reserved_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    seal BYTEA NOT NULL,
    UNIQUE (purchase, epoch)
  );
  CREATE UNIQUE INDEX auth_one_live ON auth (purchase) WHERE state <> 'released';
  CREATE INDEX auth_open ON auth (id) WHERE state NOT IN ('settled', 'released');

  CREATE TABLE scope (
    key TEXT PRIMARY KEY,
    settled BIGINT NOT NULL DEFAULT 0 CHECK (settled >= 0),
    reserved BIGINT NOT NULL DEFAULT 0 CHECK (reserved >= 0)
  );

  CREATE TABLE auth_scope (
    auth BIGINT NOT NULL REFERENCES auth (id),
    key TEXT NOT NULL REFERENCES scope (key),
    PRIMARY KEY (auth, key)
  );

  CREATE TABLE journal (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    auth BIGINT NOT NULL REFERENCES auth (id),
    from_state TEXT,
    to_state TEXT NOT NULL,
    credit TEXT NOT NULL,
    debit TEXT NOT NULL,
    amount BIGINT NOT NULL
  );

  CREATE TABLE batch (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    last_line BIGINT NOT NULL UNIQUE,
    hash BYTEA NOT NULL
  );

  CREATE TABLE checkpoint (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    last_line BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    mac BYTEA NOT NULL
  );

  CREATE FUNCTION refuse_change () RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the % is append-only', TG_TABLE_NAME; END $$;
  CREATE TRIGGER journal_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change ();
  CREATE TRIGGER batch_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON batch
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change ();
  `,
  `
  CREATE TABLE begun (
    name TEXT NOT NULL,
    at BIGINT NOT NULL,
    auth BIGINT NOT NULL REFERENCES auth (id),
    PRIMARY KEY (name, at, auth)
  );

  CREATE TABLE kept (
    purchase TEXT PRIMARY KEY,
    request BYTEA NOT NULL,
    answer BYTEA
  );
  `,
  numberBegun("BIGINT"),
];
