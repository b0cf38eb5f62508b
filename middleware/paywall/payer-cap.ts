/**
 * The seller's half of a payer's cap: for every payer, token and UTC month, what is claimed and not abandoned never exceeds it,
 * whatever runs at the same time. It is read from the sales themselves, so that it cannot drift, and nobody else is asked.
 */
import type { Address } from "viem";
import type { Asset } from "../../protocol/asset.ts";
import type { Database } from "../../store/index.ts";
import type { PaywallRefusal, PaywallSale } from "./door.ts";
import { PAYER_INDEX } from "./sale-schema.ts";

/** A payer's cap in atomic units of the token for one UTC month; undefined for none. */
export type PayerCap = (payer: Address, asset: Asset) => bigint | undefined;

/** Nothing of what the payer has spent: whoever asks may not be the payer. */
const OVER_CAP: PaywallRefusal = {
  refusal: {
    status: 403,
    body: {
      error: "spend_limit_exceeded",
      message:
        "This purchase would exceed the payer's cap for this month, and nothing was charged. Choose something cheaper, or have the cap raised.",
    },
  },
};

/** The month that a sale counts for: that of its claim, also where it settles in the next. */
export function monthOf(now: number): string {
  return new Date(now).toISOString().slice(0, 7);
}

/** A token in the sales' records. */
export function assetKey({ network, address }: Asset): string {
  return `${network}/${address}`.toLowerCase();
}

export class PayerCaps {
  readonly #db: Database;
  readonly #capOf: PayerCap;
  readonly #now: () => number;

  /** The sales' tables are there. */
  constructor(options: { db: Database; capOf: PayerCap; now: () => number }) {
    this.#db = options.db;
    this.#capOf = options.capOf;
    this.#now = options.now;
    options.db.exec(PAYER_INDEX);
  }

  /** Why this sale would be too much; inside the transaction that claims it, where it has to hold. */
  check({ payer, asset, amount }: PurchaseOf): PaywallRefusal | undefined {
    const cap = this.#capOf(payer, asset);
    if (cap === undefined) return undefined;
    return this.#spent(payer, asset) + amount > cap ? OVER_CAP : undefined;
  }

  #spent(payer: Address, asset: Asset): bigint {
    const rows = this.#db
      .query<{ amount: string }>(
        "SELECT amount FROM paywall_sale WHERE payer = ? AND month = ? AND asset = ? AND state <> 'abandoned'",
      )
      .all(payer.toLowerCase(), monthOf(this.#now()), assetKey(asset));
    return rows.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
  }
}

type PurchaseOf = Pick<PaywallSale<unknown>, "payer" | "asset" | "amount">;
