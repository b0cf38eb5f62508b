/**
 * The tables of refunds and of credits. Whoever opens one has both, because what is owed for a sale is made good in one way: the
 * statement that records the first of them for a sale leaves the other impossible, whichever process asks.
 */
import { type Database, migrate } from "../../store/index.ts";

const REFUND_STEPS = [
  `CREATE TABLE refund (
    key TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('owed', 'signed', 'sent', 'settled')),
    payer TEXT NOT NULL,
    sale_nonce TEXT NOT NULL,
    sale_tx TEXT NOT NULL,
    network TEXT NOT NULL,
    asset TEXT NOT NULL,
    amount TEXT NOT NULL,
    account TEXT NOT NULL,
    nonce TEXT NOT NULL,
    valid_before INTEGER NOT NULL,
    signature TEXT,
    tx TEXT,
    reason TEXT,
    at INTEGER NOT NULL,
    UNIQUE (account, nonce)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX refund_open ON refund (at) WHERE state <> 'settled';`,
];

const CREDIT_STEPS = [
  `CREATE TABLE credit (
    key TEXT PRIMARY KEY, payer TEXT NOT NULL, network TEXT NOT NULL, asset TEXT NOT NULL,
    amount TEXT NOT NULL, tx TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX credit_by_payer ON credit (payer, network, asset);
  CREATE TABLE credit_use (
    key TEXT PRIMARY KEY, payer TEXT NOT NULL, network TEXT NOT NULL, asset TEXT NOT NULL,
    amount TEXT NOT NULL, tx TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX credit_use_by_payer ON credit_use (payer, network, asset);`,
];

/** Makes both where they are not there. */
export function prepareAmends(db: Database): void {
  migrate(db, "refund", REFUND_STEPS);
  migrate(db, "credit", CREDIT_STEPS);
}
