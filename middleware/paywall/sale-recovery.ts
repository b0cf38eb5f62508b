/**
 * Ends without its buyer what a crash or a silent facilitator left open, as far as that can be done. Whoever calls holds the sale's turn;
 * other processes are kept out by the record's owner.
 */
import type { Door } from "./door.ts";
import type { Cashier } from "./payment-step.ts";
import type { SaleEndings, Settled } from "./sale-endings.ts";
import type { Owner } from "./sale-owner.ts";
import type { SaleRecord } from "./sale-record.ts";
import type { SaleRecords } from "./sale-records.ts";

/** How long after its window a payment counts as one that can never settle: for clocks that differ. */
const GRACE_SECONDS = 60n;

export interface SaleRecoveryOptions<Order> {
  readonly door: Door<Order>;
  readonly records: SaleRecords<Order>;
  readonly owner: Owner;
  readonly cashier: Cashier;
  readonly endings: SaleEndings<Order>;
  readonly now: () => number;
}

export class SaleRecovery<Order> {
  readonly #options: SaleRecoveryOptions<Order>;

  constructor(options: SaleRecoveryOptions<Order>) {
    this.#options = options;
  }

  async recover(key: string): Promise<void> {
    const { records, owner } = this.#options;
    const record = records.find(key);
    if (!record || record.state === "settled" || record.state === "abandoned") return;
    if (owner.isElsewhere(record) || !owner.take(key, record)) return;
    try {
      await owner.keep(key, () => this.#recover(key, record));
    } finally {
      owner.release(key);
    }
  }

  async #recover(key: string, record: SaleRecord<Order>): Promise<void> {
    const { records, door, cashier, endings, now } = this.#options;
    const closedAt = (record.sale.validBefore + GRACE_SECONDS) * 1000n;
    const expired = closedAt < BigInt(Math.floor(now()));
    if (record.state === "failed") {
      // A paywall that makes nothing good may bear the name of one that does.
      if (door.afterFailure) await endings.makeGood(record);
      return;
    }
    // Before its window closes the buyer may still come for it.
    if ((record.state === "working" || record.state === "paid") && !expired) return;
    if (record.refused && !expired) return;
    if (record.state === "paid") {
      if (!door.afterFailure) return;
      await records.markFailed(key, undefined);
      return void (await endings.makeGood({ ...record, state: "failed" }));
    }
    const outcome = await cashier.settle(record);
    if (outcome.state === "settled") await this.#deliverUnasked(key, record, outcome);
    else if (outcome.state === "refused" && expired) {
      await records.abandon(key, () => door.abandoned?.(record.sale));
    }
  }

  async #deliverUnasked(key: string, record: SaleRecord<Order>, told: Settled): Promise<void> {
    const { records, door, endings } = this.#options;
    if (door.flow === "settle-first") {
      await records.markPaid(key, told.transaction, told.response);
      return;
    }
    const worked = record.state === "worked" ? {} : await door.work?.(record.sale, undefined);
    if (!worked) return;
    if (!worked.refuse) {
      await endings.settle(record, told);
    } else if (door.afterFailure) {
      const { transaction, response: receipt } = told;
      await records.markPaid(key, transaction, receipt);
      await records.markFailed(key, undefined);
      await endings.makeGood({ ...record, state: "failed", transaction, receipt });
    }
  }
}
