/**
 * A payment that bought nothing here yet: held against the terms that were told, against the payer's cap, and against the chain, in this
 * order; then claimed for this one request. Until the claim nothing is kept and nothing is charged.
 */
import { sendAnswer, sendLater, UNAVAILABLE } from "./answers.ts";
import type { ChallengeOptions } from "./challenge.ts";
import type { Door, PaywallQuote, PaywallRefusal } from "./door.ts";
import type { KeptQuotes } from "./kept-quotes.ts";
import type { MppOptions } from "./mpp-challenge.ts";
import { findMppProblem, type MppProblem } from "./mpp-check.ts";
import type { PayerCaps } from "./payer-cap.ts";
import type { PayerCredit } from "./payer-credit.ts";
import { type BuyerKey, keyText } from "./payment-identifier.ts";
import type { Cashier, PaymentStep } from "./payment-step.ts";
import { preemptedStep } from "./preempted.ts";
import type { PresentedPayment } from "./presented-payment.ts";
import { findMismatch } from "./protocols.ts";
import type { Owner } from "./sale-owner.ts";
import { saleKey, type SaleRecord } from "./sale-record.ts";
import type { SaleRecords } from "./sale-records.ts";
import { takesV1 } from "./stock-v1.ts";
import type { Terms } from "./terms.ts";
import type { Visit } from "./visit.ts";

/** Answers with the price, and why a payment is not taken. */
export type AskAgain = (
  visit: Visit,
  terms: Terms,
  why: Pick<ChallengeOptions, "error" | "protocol" | "problem">,
) => void;

export interface NewSalesOptions<Order> {
  readonly door: Door<Order>;
  readonly records: SaleRecords<Order>;
  readonly owner: Owner;
  readonly cashier: Cashier;
  readonly ask: AskAgain;
  readonly mpp: Pick<MppOptions, "key" | "now">;
  /** Undefined where the price never changes. */
  readonly quotes: KeptQuotes<Order> | undefined;
  readonly caps: PayerCaps | undefined;
  readonly credits?: PayerCredit | undefined;
  readonly onlySeller?: boolean | undefined;
}

interface Begun<Order> {
  readonly record: SaleRecord<Order>;
  /** Its payment, as far as it has come. */
  readonly step: PaymentStep;
}

export class NewSales<Order> {
  readonly #options: NewSalesOptions<Order>;

  constructor(options: NewSalesOptions<Order>) {
    this.#options = options;
  }

  /** The sale; undefined where it was answered; "taken" where another process of the seller's has it meanwhile. */
  async begin(
    visit: Visit,
    payment: PresentedPayment,
    buyerKey: BuyerKey | undefined,
  ): Promise<Begun<Order> | "taken" | undefined> {
    const { door, caps, ask } = this.#options;
    const { protocol } = payment;
    const fresh = await door.quote(visit.request);
    if ("refusal" in fresh) return refuse(visit, fresh);
    const quote = this.#choose(visit, payment, fresh);
    const problem = this.#problem(visit, payment, quote);
    if (problem) {
      ask(visit, fresh, { protocol, ...problem });
      return undefined;
    }
    const record = this.#recordOf(visit, payment, quote, buyerKey);
    const over = caps?.check(record.sale);
    if (over) return refuse(visit, over);
    const verified = await this.#verify(record);
    if ("error" in verified) {
      if (verified.error === undefined) sendLater(visit.response, UNAVAILABLE);
      else ask(visit, fresh, { protocol, error: verified.error });
      return undefined;
    }
    const claim = await this.#claim(record, verified);
    if (!claim) return { record, step: verified.step };
    return "taken" in claim ? "taken" : refuse(visit, claim.refused);
  }

  /** The price of now, or an earlier one that was told and is paid in its time. */
  #choose(
    visit: Visit,
    payment: PresentedPayment,
    fresh: PaywallQuote<Order>,
  ): PaywallQuote<Order> {
    const { quotes } = this.#options;
    const isPaid = (quote: PaywallQuote<Order>) => !this.#problem(visit, payment, quote);
    if (!quotes || isPaid(fresh)) return fresh;
    return quotes.find(visit.fingerprint, isPaid) ?? fresh;
  }

  #problem(
    visit: Visit,
    payment: PresentedPayment,
    terms: Terms,
  ): { error: string; problem?: MppProblem } | undefined {
    const { mpp } = this.#options;
    const isMpp = payment.protocol === "mpp";
    const problem = isMpp ? findMppProblem(payment, terms, visit, mpp) : undefined;
    if (problem) return { error: problem, problem };
    const isUnknown = payment.protocol === "x402v1" && !takesV1;
    const error = isUnknown ? "invalid_x402_version" : findMismatch(payment, terms, visit.asked);
    return error === undefined ? undefined : { error };
  }

  #recordOf(
    { fingerprint, asked }: Visit,
    { protocol, payer, nonce, validBefore, digest, payload }: PresentedPayment,
    { amount, asset, payTo, order, description }: PaywallQuote<Order>,
    buyerKey: BuyerKey | undefined,
  ): SaleRecord<Order> {
    return {
      state: "working",
      name: this.#options.door.name,
      digest,
      fingerprint,
      buyerKey: buyerKey && keyText(buyerKey),
      sale: { order, payer, nonce, amount, asset, payTo, validBefore },
      description,
      asked,
      protocol,
      payload,
      receipt: undefined,
      answer: undefined,
      at: 0,
    };
  }

  /** Its first step, or why it is refused, which is undefined where nobody can say. */
  async #verify(record: SaleRecord<Order>) {
    const { cashier, onlySeller = false } = this.#options;
    const step = cashier.begin(record);
    const verdict = await step.verify();
    if (verdict.state === "unknown") return { error: undefined };
    if (verdict.state === "valid") return { step, isPreempted: false };
    const preempted = onlySeller ? await preemptedStep(verdict, record, cashier) : undefined;
    return preempted ? { step: preempted, isPreempted: true } : { error: verdict.reason };
  }

  #claim(record: SaleRecord<Order>, { isPreempted }: { isPreempted: boolean }) {
    const { door, records, owner, caps, credits } = this.#options;
    const allow = () => {
      const refused = caps?.check(record.sale) ?? door.claimed?.(record.sale);
      if (!refused && !isPreempted) credits?.claim(record.sale);
      return refused;
    };
    const sync = isLasting(door);
    return records.claim(saleKey(record.sale), record, { owner, allow, sync });
  }
}

function refuse({ response }: Visit, { refusal }: PaywallRefusal): undefined {
  sendAnswer(response, refusal);
  return undefined;
}

/**
 * Whether a claim has to be on disk before its work begins: where the money moves first, and where the work has to be undone. Otherwise
 * the record of the finished work brings it along, and a power failure in between forgets a payment that nobody has settled.
 */
function isLasting<Order>(door: Door<Order>): boolean {
  return door.flow === "settle-first" || door.abandoned !== undefined;
}
