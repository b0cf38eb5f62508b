/**
 * The durable memory of a paywall: one row for each authorization that ever bought something here, whichever paywall of the
 * database took it. What is not in it has not been sold; what is `settled` in it has been delivered.
 */
import { getAddress, type Address, type Hex } from "viem";
import { findAsset } from "../../protocol/asset.ts";
import type { X402Version } from "../../protocol/offer.ts";
import { type Database, migrate } from "../../store/index.ts";
import type { PaywallAnswer, PaywallSale } from "../quoted-paywall.ts";
import type { AskedRequest } from "./requirements.ts";

type SaleState =
  /** Verified, and the work may have begun. */
  | "working"
  /** The work is done, and the money may move at any time. */
  | "worked"
  /** Paid and delivered; the answer is kept. */
  | "settled"
  /** It can never be paid any more, and the work was undone. */
  | "abandoned";

export interface SaleRecord<Order> {
  readonly state: SaleState;
  /** The paywall that took it. */
  readonly name: string;
  /** Of the payment's header, and of the request that it paid for. */
  readonly digest: string;
  readonly fingerprint: string;
  readonly sale: PaywallSale<Order>;
  readonly description: string;
  readonly asked: AskedRequest;
  readonly x402Version: X402Version;
  /** What the facilitator needs to settle it; forgotten once it is settled. */
  readonly payload: Readonly<Record<string, unknown>>;
  readonly delivered: Delivered | undefined;
}

/** What a settled sale answers, each time. */
export interface Delivered {
  readonly answer: PaywallAnswer;
  readonly receipt: string;
}

const STEPS = [
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
];

/** The identity of an authorization: no token accepts it twice. */
export function saleKey({ payer, nonce }: { payer: Address; nonce: Hex }): string {
  return `${payer}/${nonce}`.toLowerCase();
}

export class SaleRecords<Order> {
  readonly #db: Database;
  readonly #now: () => number;

  constructor(db: Database, now: () => number) {
    migrate(db, "paywall", STEPS);
    this.#db = db;
    this.#now = now;
  }

  find(key: string): SaleRecord<Order> | undefined {
    const row = this.#db.query<SaleRow>("SELECT * FROM paywall_sale WHERE key = ?").get(key);
    return row && readRow<Order>(row);
  }

  /** The keys of this paywall's sales that are not over. */
  listOpen(name: string): string[] {
    const sql = "SELECT key FROM paywall_sale WHERE name = ? AND state IN ('working', 'worked')";
    return this.#db
      .query<{ key: string }>(sql)
      .all(name)
      .map(({ key }) => key);
  }

  /** Takes an authorization for one request, unless it is taken already; returns the record that has it. */
  claim(key: string, record: SaleRecord<Order>): SaleRecord<Order> {
    const { name, digest, fingerprint, payload } = record;
    this.#db.run(
      `INSERT OR IGNORE INTO paywall_sale (key, name, state, digest, fingerprint, facts, payload, at)
        VALUES (?, ?, 'working', ?, ?, ?, ?, ?)`,
      key,
      name,
      digest,
      fingerprint,
      writeFacts(record),
      JSON.stringify(payload),
      Math.floor(this.#now()),
    );
    return this.find(key) ?? record;
  }

  /** The work was refused, so nothing was sold. */
  drop(key: string): void {
    this.#db.run("DELETE FROM paywall_sale WHERE key = ? AND state = 'working'", key);
  }

  markWorked(key: string): void {
    this.#db.run(
      "UPDATE paywall_sale SET state = 'worked' WHERE key = ? AND state = 'working'",
      key,
    );
  }

  /** Runs `deliver` and records what it says, in one transaction and at most once; returns what the record says. */
  settle(key: string, transaction: Hex, deliver: () => Delivered): Delivered {
    return this.#db.transaction(() => {
      const before = this.find(key);
      if (before?.delivered) return before.delivered;
      const delivered = deliver();
      this.#db.run(
        "UPDATE paywall_sale SET state = 'settled', tx = ?, delivered = ?, payload = '{}', at = ? WHERE key = ?",
        transaction,
        JSON.stringify(delivered),
        Math.floor(this.#now()),
        key,
      );
      return delivered;
    });
  }

  /** Runs `undo` and records it, in one transaction. */
  abandon(key: string, undo: () => void): void {
    this.#db.transaction(() => {
      undo();
      this.#db.run(
        "UPDATE paywall_sale SET state = 'abandoned', payload = '{}' WHERE key = ?",
        key,
      );
    });
  }
}

interface SaleRow {
  name: string;
  state: SaleState;
  digest: string;
  fingerprint: string;
  facts: string;
  payload: string;
  delivered: string | null;
}

function readRow<Order>(row: SaleRow): SaleRecord<Order> {
  const { name, state, digest, fingerprint } = row;
  const { order, payer, nonce, amount, validBefore, network, asset, payTo, ...facts } = JSON.parse(
    row.facts,
  ) as Facts<Order>;
  const known = findAsset(network, asset);
  if (!known) throw new Error(`the record of a sale names an unknown token ${asset}`);
  return {
    name,
    state,
    digest,
    fingerprint,
    sale: {
      order,
      payer: getAddress(payer),
      nonce,
      amount: BigInt(amount),
      asset: known,
      payTo: getAddress(payTo),
      validBefore: BigInt(validBefore),
    },
    ...facts,
    payload: JSON.parse(row.payload) as Record<string, unknown>,
    delivered: row.delivered === null ? undefined : (JSON.parse(row.delivered) as Delivered),
  };
}

function writeFacts<Order>({ sale, description, asked, x402Version }: SaleRecord<Order>): string {
  const { order, payer, nonce, amount, asset, payTo, validBefore } = sale;
  return JSON.stringify({
    order,
    payer,
    nonce,
    amount: amount.toString(),
    validBefore: validBefore.toString(),
    network: asset.network,
    asset: asset.address,
    payTo,
    description,
    asked,
    x402Version,
  } satisfies Facts<Order>);
}

interface Facts<Order> {
  order: Order;
  payer: Address;
  nonce: Hex;
  amount: string;
  validBefore: string;
  network: string;
  asset: string;
  payTo: Address;
  description: string;
  asked: AskedRequest;
  x402Version: X402Version;
}
