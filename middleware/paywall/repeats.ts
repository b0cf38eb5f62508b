/**
 * What is known of a payment when it arrives: nothing, a sale that goes on, or an answer that was given before. Copies that other
 * processes work on are waited for here.
 */
import { setTimeout as delay } from "node:timers/promises";
import * as answers from "./answers.ts";
import { sendAnswer, sendDelivered, sendLater } from "./answers.ts";
import { type BuyerKey, keyText } from "./payment-identifier.ts";
import type { PresentedPayment } from "./presented-payment.ts";
import type { Owner } from "./sale-owner.ts";
import { deliveredOf, saleKey, type SaleRecord } from "./sale-record.ts";
import type { SaleRecords } from "./sale-records.ts";
import type { Visit } from "./visit.ts";

export type Found<Order> =
  | { readonly state: "new" }
  | { readonly state: "answered" }
  /** It bought something else, here or at another paywall. */
  | { readonly state: "reused" }
  /** It can never be paid any more. */
  | { readonly state: "expired" }
  /** To be gone on with: nobody else is at work on it. */
  | { readonly state: "ours"; readonly record: SaleRecord<Order> }
  /** Another payment by the same payer, for the same request, with the same Idempotency-Key, that is over. */
  | { readonly state: "signed-anew"; readonly record: SaleRecord<Order> };

export interface RepeatsOptions<Order> {
  /** The paywall's. */
  readonly name: string;
  readonly records: SaleRecords<Order>;
  readonly owner: Owner;
  /** How long to wait for another process. */
  readonly waitMs: number;
}

const POLL_MS = 20;

export class Repeats<Order> {
  readonly #options: RepeatsOptions<Order>;

  constructor(options: RepeatsOptions<Order>) {
    this.#options = options;
  }

  async find(
    visit: Visit,
    payment: PresentedPayment,
    buyerKey: BuyerKey | undefined,
  ): Promise<Found<Order>> {
    const { records, owner, name, waitMs } = this.#options;
    for (let waited = 0; ; waited += POLL_MS) {
      const record = records.find(saleKey(payment));
      if (!record && !buyerKey) return { state: "new" };
      if (!record) return this.#findByKey(visit, payment, buyerKey!);
      const { digest, fingerprint } = record;
      const isSame = digest === payment.digest && fingerprint === visit.fingerprint;
      if (!isSame || record.name !== name) return { state: "reused" };
      const delivered = deliveredOf(record);
      if (delivered) {
        sendDelivered(visit.response, record.protocol, delivered);
        return { state: "answered" };
      }
      if (record.state === "abandoned") return { state: "expired" };
      const isElsewhere = owner.isElsewhere(record);
      if (!isElsewhere && owner.take(saleKey(payment), record)) return { state: "ours", record };
      if (isElsewhere && waited >= waitMs) {
        sendLater(visit.response, answers.BUSY);
        return { state: "answered" };
      }
      await delay(POLL_MS);
    }
  }

  #findByKey(
    { fingerprint, response }: Visit,
    { payer }: PresentedPayment,
    buyerKey: BuyerKey,
  ): Found<Order> {
    const { records, name } = this.#options;
    const record = records.findByBuyerKey(name, payer, keyText(buyerKey));
    if (!record) return { state: "new" };
    // The extension is bound to the payment, the header to the request.
    if (buyerKey.kind === "payment-identifier") sendAnswer(response, answers.IDENTIFIER_REUSED);
    else if (record.fingerprint !== fingerprint) sendAnswer(response, answers.KEY_REUSED);
    else if (record.state === "settled") return { state: "signed-anew", record };
    else sendLater(response, answers.BUSY);
    return { state: "answered" };
  }
}
