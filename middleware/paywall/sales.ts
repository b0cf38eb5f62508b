/**
 * One sale from its claim to its answer: what the record says comes first, the money second, and the answer leaves only when the
 * record has it. Whoever calls holds the sale's turn; other processes are kept out by the record's owner.
 */
import * as answers from "./answers.ts";
import type { Door } from "./door.ts";
import type { SettleOutcome } from "./facilitator-port.ts";
import type { Cashier, PaymentStep } from "./payment-step.ts";
import { paidSale, type SaleEndings } from "./sale-endings.ts";
import type { Owner } from "./sale-owner.ts";
import { saleKey, type SaleRecord } from "./sale-record.ts";
import type { SaleRecords } from "./sale-records.ts";
import type { Visit } from "./visit.ts";

export interface SalesOptions<Order> {
  readonly door: Door<Order>;
  readonly records: SaleRecords<Order>;
  readonly owner: Owner;
  readonly cashier: Cashier;
  readonly endings: SaleEndings<Order>;
  readonly now: () => number;
  /** Whether settling brings the record of the work to the disk, before any money moves (`PaywallFacilitator.syncs`). */
  readonly syncsBeforeMoney: boolean;
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
    const { owner, cashier, endings, records, syncsBeforeMoney } = this.#options;
    const key = saleKey(record.sale);
    let progress: Progress = "open";
    try {
      progress = await owner.keep(key, async () => {
        if (record.state === "paid") return this.#fulfil(visit, record);
        if (record.state === "failed") return progressOf(await endings.makeGood(record, visit));
        const worked = record.state === "working" ? await this.#work(visit, record) : record;
        if (!worked) return "over";
        const upTo = records.moment();
        const outcome = await (first ? first.settle() : cashier.settle(record));
        // No answer leaves before the record of it is on the disk, also where nothing had to be synced to settle.
        if (syncsBeforeMoney) await records.sync({ upTo });
        return this.#conclude(visit, worked, outcome);
      });
    } finally {
      if (progress !== "over") owner.release(key);
    }
    return progress;
  }

  /** Undefined where the seller refused, which has been answered. */
  async #work(visit: Visit, record: SaleRecord<Order>): Promise<SaleRecord<Order> | undefined> {
    const { door, records, syncsBeforeMoney } = this.#options;
    const key = saleKey(record.sale);
    if (!door.work) return record;
    const worked = await door.work(record.sale, visit);
    if (worked.refuse) {
      await records.drop(key);
      worked.refuse();
      return undefined;
    }
    await records.markWorked(key, worked.answer, { sync: !syncsBeforeMoney });
    return { ...record, state: "worked", answer: worked.answer };
  }

  /** Answers by what is known of the settlement. */
  async #conclude(
    visit: Visit,
    record: SaleRecord<Order>,
    outcome: SettleOutcome,
  ): Promise<Progress> {
    const { records, door, endings, refuse, now } = this.#options;
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
      const delivered = await endings.settle(record, outcome);
      answers.sendDelivered(visit.response, protocol, delivered);
      return "over";
    }
    await records.markPaid(saleKey(sale), transaction, receipt);
    return this.#fulfil(visit, { ...record, state: "paid", transaction, receipt, at: now() });
  }

  /** The work of a sale whose money has moved. */
  async #fulfil(visit: Visit, record: SaleRecord<Order>): Promise<Progress> {
    const { door, records, endings } = this.#options;
    const { protocol, sale, receipt, at } = record;
    const key = saleKey(sale);
    if (!door.fulfil || !receipt) throw new Error("a sale that is paid first has work to do");
    const setReceipt = () => answers.setReceipt(visit.response, protocol, receipt, at);
    const { state, answer, end } = await door.fulfil(paidSale(record), visit, setReceipt);
    if (state === "broken") return "open";
    if (state === "failed" && door.afterFailure) {
      await records.markFailed(key, answer);
      return progressOf(await endings.makeGood({ ...record, state: "failed", answer }, visit));
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
}

const progressOf = (isOver: boolean): Progress => (isOver ? "over" : "open");
