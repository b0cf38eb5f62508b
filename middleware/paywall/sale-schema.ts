/** The paywall's table: one row for each authorization that ever bought something here. */
import type { MigrationStep } from "../../store/index.ts";

export const STEPS: readonly MigrationStep[] = [
  `CREATE TABLE paywall_sale (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('working', 'worked', 'settled', 'abandoned')),
    digest TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    facts TEXT NOT NULL,
    payload TEXT NOT NULL,
    tx TEXT,
    delivered TEXT,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX paywall_sale_open ON paywall_sale (name) WHERE state IN ('working', 'worked');`,
  // States for work after settlement, the buyer's own key, who is working on it, and answers that are not JSON.
  `ALTER TABLE paywall_sale RENAME TO paywall_sale_1;
  DROP INDEX paywall_sale_open;
  CREATE TABLE paywall_sale (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    state TEXT NOT NULL
      CHECK (state IN ('working', 'worked', 'paid', 'failed', 'settled', 'abandoned')),
    digest TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    payer TEXT NOT NULL,
    amount TEXT NOT NULL,
    buyer_key TEXT,
    owner TEXT,
    lease INTEGER NOT NULL DEFAULT 0,
    facts TEXT NOT NULL,
    payload TEXT NOT NULL,
    tx TEXT,
    receipt TEXT,
    answer TEXT,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO paywall_sale
    (key, name, state, digest, fingerprint, payer, amount, facts, payload, tx, receipt, answer, at)
    SELECT key, name, state, digest, fingerprint,
      lower(json_extract(facts, '$.payer')), json_extract(facts, '$.amount'),
      json_set(json_remove(facts, '$.x402Version'),
        '$.protocol', 'x402v' || json_extract(facts, '$.x402Version')),
      payload, tx,
      iif(delivered IS NULL, NULL, json_object('success', json('true'), 'transaction', tx)),
      iif(delivered IS NULL, NULL, json_object(
        'status', json_extract(delivered, '$.answer.status'),
        'headers', json_object('content-type', 'application/json; charset=utf-8'),
        'text', '' || (delivered -> '$.answer.body'))),
      at
    FROM paywall_sale_1;
  DROP TABLE paywall_sale_1;
  CREATE INDEX paywall_sale_open ON paywall_sale (name)
    WHERE state IN ('working', 'worked', 'paid', 'failed');
  CREATE UNIQUE INDEX paywall_sale_buyer_key ON paywall_sale (name, payer, buyer_key)
    WHERE buyer_key IS NOT NULL AND state <> 'abandoned';
  CREATE INDEX paywall_sale_payer ON paywall_sale (payer, at);`,
  // What a payer has spent of a token in a month, for the payer's cap.
  `ALTER TABLE paywall_sale ADD COLUMN month TEXT NOT NULL DEFAULT '';
  ALTER TABLE paywall_sale ADD COLUMN asset TEXT NOT NULL DEFAULT '';
  UPDATE paywall_sale SET month = strftime('%Y-%m', at / 1000, 'unixepoch'),
    asset = lower(json_extract(facts, '$.network') || '/' || json_extract(facts, '$.asset'));
  DROP INDEX paywall_sale_payer;
  CREATE INDEX paywall_sale_payer ON paywall_sale (payer, month, asset, state, amount);`,
  // That its buyer was told it is refused: they may have paid anew.
  "ALTER TABLE paywall_sale ADD COLUMN refused INTEGER NOT NULL DEFAULT 0",
  // With row ids: a row is longer than what a tree that is ordered by its key holds in a page, so each comparison read an overflow page.
  `ALTER TABLE paywall_sale RENAME TO paywall_sale_4;
  DROP INDEX paywall_sale_open;
  DROP INDEX paywall_sale_buyer_key;
  DROP INDEX paywall_sale_payer;
  CREATE TABLE paywall_sale (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    state TEXT NOT NULL
      CHECK (state IN ('working', 'worked', 'paid', 'failed', 'settled', 'abandoned')),
    digest TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    payer TEXT NOT NULL,
    asset TEXT NOT NULL,
    amount TEXT NOT NULL,
    month TEXT NOT NULL,
    buyer_key TEXT,
    owner TEXT,
    lease INTEGER NOT NULL,
    refused INTEGER NOT NULL DEFAULT 0,
    facts TEXT NOT NULL,
    payload TEXT NOT NULL,
    tx TEXT,
    receipt TEXT,
    answer TEXT,
    at INTEGER NOT NULL
  ) STRICT;
  INSERT INTO paywall_sale
    (key, name, state, digest, fingerprint, payer, asset, amount, month, buyer_key, owner, lease, refused, facts, payload, tx, receipt,
      answer, at)
    SELECT key, name, state, digest, fingerprint, payer, asset, amount, month, buyer_key, owner, lease, refused, facts, payload, tx,
      receipt, answer, at FROM paywall_sale_4 ORDER BY at;
  DROP TABLE paywall_sale_4;
  CREATE INDEX paywall_sale_open ON paywall_sale (name)
    WHERE state IN ('working', 'worked', 'paid', 'failed');
  CREATE UNIQUE INDEX paywall_sale_buyer_key ON paywall_sale (name, payer, buyer_key)
    WHERE buyer_key IS NOT NULL AND state <> 'abandoned';
  CREATE INDEX paywall_sale_payer ON paywall_sale (payer, month, asset, state, amount);`,
  // Each step of a sale wrote to it, and only a payer's cap reads it: it is made where there is one (`PAYER_INDEX`).
  "DROP INDEX paywall_sale_payer",
];

/** What a payer has spent of a token in a month, without reading the sales themselves. */
export const PAYER_INDEX = `CREATE INDEX IF NOT EXISTS paywall_sale_payer
  ON paywall_sale (payer, month, asset, state, amount)`;
