/**
 * The durable memory of refunds: one row for each sale whose money is owed back. A row is never deleted, its terms never change
 * once they may have been signed, and its state only goes forward, whichever process moves it.
 */
import { type Address, getAddress, type Hex } from "viem";
import { findAsset } from "../../protocol/asset.ts";
import type { Database } from "../../store/index.ts";
import { prepareAmends } from "./amends-schema.ts";
import { type Refund, refundAuthorization, type RefundableSale, refundKey } from "./refund.ts";
import type { RefundState } from "./refund.ts";

export class RefundRecords {
  readonly #db: Database;
  readonly #now: () => number;

  constructor(db: Database, now: () => number) {
    prepareAmends(db);
    this.#db = db;
    this.#now = now;
  }

  find(key: string): Refund | undefined {
    const row = this.#db.query<RefundRow>("SELECT * FROM refund WHERE key = ?").get(key);
    return row && readRow(row);
  }

  /** The keys of what is not settled, oldest first. */
  listOpen(): string[] {
    const sql = "SELECT key FROM refund WHERE state <> 'settled' ORDER BY at";
    return this.#db
      .query<{ key: string }>(sql)
      .all()
      .map(({ key }) => key);
  }

  /**
   * Records that a sale's money is owed back, from this account; a sale that is recorded already stays as it is. What an earlier
   * account of the seller's has never signed, this one pays. Throws for a sale that was made good by a credit.
   */
  owe(sale: RefundableSale, account: Address): Refund {
    const key = refundKey(sale);
    const now = Math.floor(this.#now());
    const { nonce, validBefore } = refundAuthorization(sale, account, now);
    this.#db.run(
      `INSERT INTO refund (key, state, payer, sale_nonce, sale_tx, network, asset, amount, account, nonce, valid_before, at)
        SELECT ?, 'owed', ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM credit WHERE key = ?)
        ON CONFLICT (key) DO UPDATE SET account = excluded.account
          WHERE state = 'owed' AND account <> excluded.account`,
      key,
      sale.payer,
      sale.nonce,
      sale.transaction,
      sale.asset.network,
      sale.asset.address,
      sale.amount.toString(),
      account,
      nonce,
      validBefore,
      now,
      key,
    );
    const refund = this.find(key);
    if (!refund) throw new Error("the sale was made good by a credit");
    return refund;
  }

  /** Keeps the signature of exactly these terms; another process's, which is the same, may be there first. */
  markSigned(key: string, { authorization, sale }: Refund, signature: Hex): Refund {
    this.#db.run(
      `UPDATE refund SET state = 'signed', signature = ?, reason = NULL
        WHERE key = ? AND state = 'owed' AND account = ? AND amount = ?`,
      signature,
      key,
      authorization.from,
      sale.amount.toString(),
    );
    return this.#get(key);
  }

  /** Before the first byte of it leaves. */
  markSent(key: string): Refund {
    this.#db.run("UPDATE refund SET state = 'sent' WHERE key = ? AND state = 'signed'", key);
    return this.#get(key);
  }

  markSettled(key: string, transaction: Hex): Refund {
    this.#db.run(
      "UPDATE refund SET state = 'settled', tx = ?, reason = NULL WHERE key = ? AND state = 'sent'",
      transaction,
      key,
    );
    return this.#get(key);
  }

  /** Why it is still owed. */
  noteReason(key: string, reason: string): Refund {
    this.#db.run("UPDATE refund SET reason = ? WHERE key = ? AND state <> 'settled'", reason, key);
    return this.#get(key);
  }

  #get(key: string): Refund {
    const refund = this.find(key);
    if (!refund) throw new Error("a refund that is recorded stays recorded");
    return refund;
  }
}

interface RefundRow {
  state: RefundState;
  payer: string;
  sale_nonce: string;
  sale_tx: string;
  network: string;
  asset: string;
  amount: string;
  account: string;
  nonce: string;
  valid_before: number;
  signature: string | null;
  tx: string | null;
  reason: string | null;
}

function readRow(row: RefundRow): Refund {
  const asset = findAsset(row.network, row.asset);
  if (!asset) throw new Error(`the record of a refund names an unknown token ${row.asset}`);
  const payer = getAddress(row.payer);
  const amount = BigInt(row.amount);
  return {
    state: row.state,
    sale: { payer, nonce: row.sale_nonce as Hex, amount, asset, transaction: row.sale_tx as Hex },
    authorization: {
      from: getAddress(row.account),
      to: payer,
      value: amount,
      validAfter: 0n,
      validBefore: BigInt(row.valid_before),
      nonce: row.nonce as Hex,
    },
    signature: (row.signature ?? undefined) as Hex | undefined,
    transaction: (row.tx ?? undefined) as Hex | undefined,
    reason: row.reason ?? undefined,
  };
}
