/** The two ends of a sale whose money has moved: its answer is recorded, or what failed is made good, and then that is recorded. */
import { AmendsOwed } from "./amends.ts";
import * as answers from "./answers.ts";
import type { Door, PaidSale, StoredAnswer } from "./door.ts";
import type { SettleOutcome } from "./facilitator-port.ts";
import { type Delivered, saleKey, type SaleRecord } from "./sale-record.ts";
import type { SaleRecords } from "./sale-records.ts";
import type { Visit } from "./visit.ts";

export type Settled = Extract<SettleOutcome, { state: "settled" }>;

export class SaleEndings<Order> {
  readonly #door: Door<Order>;
  readonly #records: SaleRecords<Order>;

  constructor(options: { door: Door<Order>; records: SaleRecords<Order> }) {
    this.#door = options.door;
    this.#records = options.records;
  }

  /** `work-first`: records the settlement, and what is answered. */
  settle({ sale }: SaleRecord<Order>, told: Settled): Promise<Delivered> {
    const door = this.#door;
    const { transaction } = told;
    const settled = (kept: StoredAnswer | undefined): StoredAnswer => {
      const answer = door.settled?.({ ...sale, transaction }, kept) ?? kept;
      if (!answer) throw new Error("a sale whose work is done has an answer");
      return answer;
    };
    // The answer is on disk since the work was done; only what `settled` makes of it is not.
    const sync = door.settled !== undefined;
    return this.#records.settle(saleKey(sale), settled, { told, sync });
  }

  /** Resolves to whether it is made good; where it is not yet, the record says that it is owed. */
  async makeGood(record: SaleRecord<Order>, visit?: Visit): Promise<boolean> {
    const door = this.#door;
    if (!door.afterFailure) throw new Error("a sale that failed has somebody to make it good");
    let answer: StoredAnswer;
    try {
      answer = await door.afterFailure(paidSale(record), record.answer);
    } catch (error) {
      const told = error instanceof AmendsOwed ? error.body : answers.AMENDS_PENDING;
      if (visit) answers.sendOwed(visit.response, record, told);
      return false;
    }
    const delivered = await this.#records.settle(saleKey(record.sale), () => answer);
    if (visit) answers.sendDelivered(visit.response, record.protocol, delivered);
    return true;
  }
}

export function paidSale<Order>({ sale, transaction }: SaleRecord<Order>): PaidSale<Order> {
  if (!transaction) throw new Error("a sale that is paid has a transaction");
  return { ...sale, transaction };
}
