/**
 * One sale from its claim to its answer: what the record says comes first, the money second, and the answer leaves only when the
 * record has it. Whoever calls holds the sale's turn; other processes are kept out by the record's owner.
 */
import { AmendsOwed } from "./amends.ts";
import * as answers from "./answers.ts";
import type { Door, PaidSale, StoredAnswer } from "./door.ts";
import type { SettleOutcome } from "./facilitator-port.ts";
import type { Cashier, PaymentStep } from "./payment-step.ts";
import type { Owner } from "./sale-owner.ts";
import { saleKey, type SaleRecord, type SaleRecords } from "./sale-records.ts";
import type { Visit } from "./visit.ts";

/** How long after its window a payment counts as one that can never settle: for clocks that differ. */
const GRACE_SECONDS = 60n;

export interface SalesOptions<Order> {
  readonly door: Door<Order>;
  readonly records: SaleRecords<Order>;
  readonly owner: Owner;
  readonly cashier: Cashier;
  readonly now: () => number;
  /** Answers a payment that is not taken with the price and the reason. */
  readonly refuse: (visit: Visit, record: SaleRecord<Order>, reason: string) => void;
}

/** What is left to do: nothing, nothing without the buyer, or to look again by itself. */
type Progress = "over" | "open" | "later";

export class Sales<Order> {
  readonly #options: SalesOptions<Order>;

  constructor(options: SalesOptions<Order>) {
    this.#options = options;
  }

  /** Goes on with a sale that is ours, from wherever its record says that it is. */
  async advance(visit: Visit, record: SaleRecord<Order>, first?: PaymentStep): Promise<Progress> {
    const { owner, cashier } = this.#options;
    const key = saleKey(record.sale);
    let progress: Progress = "open";
    try {
      progress = await owner.keep(key, async () => {
        if (record.state === "paid") return this.#fulfil(visit, record);
        if (record.state === "failed") return this.#makeGood(record, visit);
        const worked = record.state === "working" ? await this.#work(visit, record) : record;
        if (!worked) return "over";
        const outcome = first ? await first.settle() : await cashier.settle(record);
        return this.#conclude(visit, worked, outcome);
      });
    } finally {
      if (progress !== "over") owner.release(key);
    }
    return progress;
  }

  /** Ends without its buyer what a crash or a silent facilitator left open, as far as that can be done. */
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
    const { records, door, cashier, now } = this.#options;
    const closedAt = (record.sale.validBefore + GRACE_SECONDS) * 1000n;
    const expired = closedAt < BigInt(Math.floor(now()));
    if (record.state === "failed") {
      // A paywall that makes nothing good may bear the name of one that does.
      if (door.afterFailure) await this.#makeGood(record);
      return;
    }
    // Before its window closes the buyer may still come for it.
    if ((record.state === "working" || record.state === "paid") && !expired) return;
    if (record.refused && !expired) return;
    if (record.state === "paid") {
      if (!door.afterFailure) return;
      await records.markFailed(key, undefined);
      return void (await this.#makeGood({ ...record, state: "failed" }));
    }
    const outcome = await cashier.settle(record);
    if (outcome.state === "settled") await this.#deliverUnasked(key, record, outcome);
    else if (outcome.state === "refused" && expired) {
      await records.abandon(key, () => door.abandoned?.(record.sale));
    }
  }

  async #deliverUnasked(
    key: string,
    record: SaleRecord<Order>,
    told: Extract<SettleOutcome, { state: "settled" }>,
  ): Promise<void> {
    const { records, door } = this.#options;
    if (door.flow === "settle-first") {
      await records.markPaid(key, told.transaction, told.response);
      return;
    }
    const worked = record.state === "worked" ? {} : await door.work?.(record.sale, undefined);
    if (!worked) return;
    if (!worked.refuse) {
      await this.#settle(record, told);
    } else if (door.afterFailure) {
      const { transaction, response: receipt } = told;
      await records.markPaid(key, transaction, receipt);
      await records.markFailed(key, undefined);
      await this.#makeGood({ ...record, state: "failed", transaction, receipt });
    }
  }

  /** Undefined where the seller refused, which has been answered. */
  async #work(visit: Visit, record: SaleRecord<Order>): Promise<SaleRecord<Order> | undefined> {
    const { door, records } = this.#options;
    const key = saleKey(record.sale);
    if (!door.work) return record;
    const worked = await door.work(record.sale, visit);
    if (worked.refuse) {
      await records.drop(key);
      worked.refuse();
      return undefined;
    }
    await records.markWorked(key, worked.answer);
    return { ...record, state: "worked", answer: worked.answer };
  }

  /** Answers by what is known of the settlement. */
  async #conclude(
    visit: Visit,
    record: SaleRecord<Order>,
    outcome: SettleOutcome,
  ): Promise<Progress> {
    const { records, door, refuse, now } = this.#options;
    const { protocol, sale } = record;
    if (outcome.state === "unknown") {
      answers.sendPending(visit.response, record, outcome.response);
      return "later";
    }
    if (outcome.state === "refused") {
      answers.setReceipt(visit.response, protocol, outcome.response, 0);
      if (door.flow === "settle-first") await records.drop(saleKey(sale));
      else await records.markRefused(saleKey(sale));
      refuse(visit, record, outcome.reason);
      return "open";
    }
    const { transaction, response: receipt } = outcome;
    if (door.flow === "work-first") {
      const delivered = await this.#settle(record, outcome);
      answers.sendDelivered(visit.response, protocol, delivered);
      return "over";
    }
    await records.markPaid(saleKey(sale), transaction, receipt);
    return this.#fulfil(visit, { ...record, state: "paid", transaction, receipt, at: now() });
  }

  #settle({ sale }: SaleRecord<Order>, told: Extract<SettleOutcome, { state: "settled" }>) {
    const { records, door } = this.#options;
    const { transaction } = told;
    const settled = (record: SaleRecord<Order>): StoredAnswer => {
      const answer = door.settled?.({ ...sale, transaction }, record.answer) ?? record.answer;
      if (!answer) throw new Error("a sale whose work is done has an answer");
      return answer;
    };
    return records.settle(saleKey(sale), settled, told);
  }

  /** The work of a sale whose money has moved. */
  async #fulfil(visit: Visit, record: SaleRecord<Order>): Promise<Progress> {
    const { door, records } = this.#options;
    const { protocol, sale, receipt, at } = record;
    const key = saleKey(sale);
    if (!door.fulfil || !receipt) throw new Error("a sale that is paid first has work to do");
    const setReceipt = () => answers.setReceipt(visit.response, protocol, receipt, at);
    const { state, answer, end } = await door.fulfil(paid(record), visit, setReceipt);
    if (state === "broken") return "open";
    if (state === "failed" && door.afterFailure) {
      await records.markFailed(key, answer);
      return this.#makeGood({ ...record, state: "failed", answer }, visit);
    }
    if (state === "failed") {
      // The same payment does the work again.
      answers.sendDelivered(visit.response, protocol, { answer, receipt, at });
      return "open";
    }
    const delivered = await records.settle(key, () => answer);
    if (end) end();
    else answers.sendDelivered(visit.response, protocol, delivered);
    return "over";
  }

  async #makeGood(record: SaleRecord<Order>, visit?: Visit): Promise<Progress> {
    const { door, records } = this.#options;
    if (!door.afterFailure) throw new Error("a sale that failed has somebody to make it good");
    let answer: StoredAnswer;
    try {
      answer = await door.afterFailure(paid(record), record.answer);
    } catch (error) {
      // It is tried again; the record says that it is owed.
      const told = error instanceof AmendsOwed ? error.body : answers.AMENDS_PENDING;
      if (visit) answers.sendOwed(visit.response, record, told);
      return "open";
    }
    const delivered = await records.settle(saleKey(record.sale), () => answer);
    if (visit) answers.sendDelivered(visit.response, record.protocol, delivered);
    return "over";
  }
}

function paid<Order>({ sale, transaction }: SaleRecord<Order>): PaidSale<Order> {
  if (!transaction) throw new Error("a sale that is paid has a transaction");
  return { ...sale, transaction };
}
