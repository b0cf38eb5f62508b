/**
 * Credits: what a seller owes a payer for work that failed after the money moved, kept until the same payer's next purchase is
 * paid from it. A credit is spent in the transaction that claims that purchase, and is free again where the purchase comes to
 * nothing, which is read from the sale's own record: so it is spent exactly once, by any number of processes.
 *
 * The purchase that a credit pays carries a payment like any other, because only its signature proves who asks; it is verified and
 * never settled. Its receipt names the transaction that the money came with.
 */
import type { Address, Hex } from "viem";
import type { Asset } from "../../protocol/asset.ts";
import type { PaywallSale } from "../paywall/door.ts";
import { STEPS as SALE_STEPS } from "../paywall/sale-schema.ts";
import { type Database, migrate } from "../../store/index.ts";
import { prepareAmends } from "./amends-schema.ts";
import { type RefundableSale, refundKey } from "./refund.ts";

export interface Credits {
  /** Keeps a sale's amount for its payer; the same sale again changes nothing. Throws for a sale that is refunded. */
  grant(sale: RefundableSale): void;
  /** What a payer may still spend here, in atomic units. */
  balance(payer: Address, asset: Asset): bigint;
  /**
   * Pays a purchase from the payer's credit, where that is enough for all of it. Inside the transaction that claims the purchase;
   * decided there for good.
   */
  claim(sale: PaywallSale<unknown>): void;
  /** The transaction whose money pays this purchase; undefined where its own payment has to settle. */
  payment(sale: Pick<PaywallSale<unknown>, "payer" | "nonce">): Hex | undefined;
}

const GRANTED =
  "SELECT amount, tx FROM credit WHERE payer = ? AND network = ? AND asset = ? ORDER BY at";
/** A use counts for as long as its sale is there and may end, or has ended, in a delivery. */
const USED = `SELECT amount FROM credit_use AS used WHERE payer = ? AND network = ? AND asset = ?
  AND EXISTS (SELECT 1 FROM paywall_sale WHERE key = used.key AND state <> 'abandoned')`;

/** Opens the credits of a paywall's database. */
export function openCredits({
  db,
  now = Date.now,
}: {
  readonly db: Database;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}): Credits {
  migrate(db, "paywall", SALE_STEPS);
  prepareAmends(db);
  const granted = db.query<{ amount: string; tx: string }>(GRANTED);
  const used = db.query<{ amount: string }>(USED);
  const kept = db.query<{ key: string }>("SELECT key FROM credit WHERE key = ?");
  const usedBy = db.query<{ tx: string }>("SELECT tx FROM credit_use WHERE key = ?");

  const read = (payer: Address, asset: Asset) => {
    const owner = [payer.toLowerCase(), asset.network, asset.address.toLowerCase()];
    const grants = granted.all(...owner);
    return { balance: sum(grants) - sum(used.all(...owner)), latest: grants.at(-1)?.tx };
  };
  return {
    grant(sale) {
      const { payer, asset, amount, transaction } = sale;
      const key = refundKey(sale);
      db.run(
        `INSERT OR IGNORE INTO credit SELECT ?, ?, ?, ?, ?, ?, ?
          WHERE NOT EXISTS (SELECT 1 FROM refund WHERE key = ?)`,
        key,
        payer.toLowerCase(),
        asset.network,
        asset.address.toLowerCase(),
        amount.toString(),
        transaction,
        Math.floor(now()),
        key,
      );
      if (!kept.get(key)) throw new Error("the sale is refunded");
    },
    balance: (payer, asset) => read(payer, asset).balance,
    claim(sale) {
      const { payer, asset, amount } = sale;
      const key = refundKey(sale);
      const { balance, latest } = read(payer, asset);
      // Of an earlier claim of the same payment, whose work was refused.
      db.run("DELETE FROM credit_use WHERE key = ?", key);
      if (latest === undefined || balance < amount) return;
      db.run(
        "INSERT INTO credit_use VALUES (?, ?, ?, ?, ?, ?)",
        key,
        payer.toLowerCase(),
        asset.network,
        asset.address.toLowerCase(),
        amount.toString(),
        latest,
      );
    },
    payment: (sale) => usedBy.get(refundKey(sale))?.tx as Hex | undefined,
  };
}

function sum(rows: readonly { amount: string }[]): bigint {
  return rows.reduce((total, { amount }) => total + BigInt(amount), 0n);
}
