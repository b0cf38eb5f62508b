/**
 * Every door's paywall: asks for the price, takes a payment once, and gives whoever presents it again the same answer. One
 * payment is dealt with at a time; the record says where it stands. See `docs/selling.md` for what this promises.
 */
import { randomUUID } from "node:crypto";
import type { Request, Response } from "express";
import type { Database } from "../../store/index.ts";
import { Turns } from "../turns.ts";
import * as answers from "./answers.ts";
import { sendAnswer } from "./answers.ts";
import { type ChallengeOptions, sendChallenge } from "./challenge.ts";
import type { Door } from "./door.ts";
import type { PaywallFacilitator } from "./facilitator-port.ts";
import { Later } from "./later.ts";
import { findMppProblem, type MppProblem, type MppSeal } from "./mpp-challenge.ts";
import { type PayerCap, PayerCaps } from "./payer-cap.ts";
import { type PayerCredit, withCredit } from "./payer-credit.ts";
import { type BuyerKey, keyText, readBuyerKey } from "./payment-identifier.ts";
import { type Cashier, cashier, type PaymentStep } from "./payment-step.ts";
import { preemptedStep } from "./preempted.ts";
import { type PresentedPayment, readPresented } from "./presented-payment.ts";
import { findMismatch } from "./protocols.ts";
import { Repeats } from "./repeats.ts";
import { Owner } from "./sale-owner.ts";
import { SaleEndings } from "./sale-endings.ts";
import { deliveredOf, saleKey, type SaleRecord } from "./sale-record.ts";
import { SaleRecords } from "./sale-records.ts";
import { SaleRecovery } from "./sale-recovery.ts";
import { Sales } from "./sales.ts";
import { openSeal } from "./secret.ts";
import { takesV1 } from "./stock-v1.ts";
import type { Terms } from "./terms.ts";
import { receive, type Visit } from "./visit.ts";

/** What an answer depends on, for caches that keep it in spite of what it says. */
const VARY = "Accept, Authorization, Payment-Authorization, X-PAYMENT, PAYMENT-SIGNATURE";

export interface CoreOptions {
  readonly db: Database;
  readonly facilitator: string | PaywallFacilitator;
  readonly publicOrigin?: string | (() => string) | undefined;
  readonly maxTimeoutSeconds?: number | undefined;
  readonly facilitatorTimeoutMs?: number | undefined;
  /** What a payer may spend here in a UTC month; default: no limit. */
  readonly payerCap?: PayerCap | undefined;
  /** Pays purchases from what is owed to their payers; `openCredits`. */
  readonly credits?: PayerCredit | undefined;
  /**
   * Whether nothing but this database sells for its payees. Only then is a payment taken that somebody else has brought to the
   * chain already: elsewhere it may have bought something.
   */
  readonly onlySeller?: boolean | undefined;
  readonly now?: (() => number) | undefined;
  readonly newId?: (() => string) | undefined;
}

export class Paywall<Order> {
  readonly #door: Door<Order>;
  readonly #options: CoreOptions;
  readonly #records: SaleRecords<Order>;
  readonly #repeats: Repeats<Order>;
  readonly #sales: Sales<Order>;
  readonly #recovery: SaleRecovery<Order>;
  readonly #owner: Owner;
  readonly #cashier: Cashier;
  readonly #turns = new Turns();
  readonly #later = new Later({ look: (key) => this.#recoverOne(key) });
  readonly #seal: MppSeal;
  readonly #caps: PayerCaps | undefined;

  constructor(door: Door<Order>, options: CoreOptions) {
    const { db, facilitator, now = Date.now, newId = randomUUID } = options;
    const { facilitatorTimeoutMs = 30_000 } = options;
    this.#door = door;
    this.#options = options;
    const records = new SaleRecords<Order>(db, now);
    const owner = new Owner(db, now);
    this.#records = records;
    this.#owner = owner;
    const { payerCap, credits } = options;
    const asking = cashier(facilitator, facilitatorTimeoutMs);
    this.#cashier = credits ? withCredit(asking, credits) : asking;
    this.#caps = payerCap && new PayerCaps({ db, capOf: payerCap, now });
    const endings = new SaleEndings({ door, records });
    const parts = { door, records, owner, cashier: this.#cashier, endings, now };
    this.#recovery = new SaleRecovery(parts);
    this.#sales = new Sales({
      ...parts,
      refuse: (visit, { sale, description, protocol }, reason) =>
        this.#sendChallenge(visit, { ...sale, description }, { error: reason, protocol }),
    });
    this.#repeats = new Repeats({ name: door.name, records, owner, waitMs: facilitatorTimeoutMs });
    this.#seal = { seal: openSeal(db), now, newId };
  }

  async handle(request: Request, response: Response, next: Visit["next"]): Promise<void> {
    response.setHeader("Cache-Control", "no-store");
    if (response.hasHeader("Vary")) response.vary(VARY);
    else response.setHeader("Vary", VARY);
    if (request.method === "OPTIONS") {
      // A browser asks before the request; it is never sold, and never does the work.
      response.status(204).end();
      return;
    }
    const { publicOrigin, maxTimeoutSeconds = 120 } = this.#options;
    const paymentFlow = this.#door.flow === "settle-first" ? "upfront" : undefined;
    const asked = { publicOrigin, maxTimeoutSeconds, paymentFlow } as const;
    const visit = receive({ request, response, next, ...asked });
    const payment = readPresented(request);
    // A HEAD request delivers nothing, so it is not sold.
    if (!payment || request.method === "HEAD") await this.#ask(visit, "Payment required");
    else if (!("malformed" in payment)) await this.#take(visit, payment);
    else if (payment.malformed !== "mpp") sendAnswer(response, answers.MALFORMED);
    else await this.#ask(visit, "malformed", { protocol: "mpp", problem: "malformed-credential" });
  }

  async recover(): Promise<number> {
    const { name } = this.#door;
    for (const key of this.#records.listOpen(name)) await this.#recoverOne(key);
    return this.#records.listOpen(name).length;
  }

  async #take(visit: Visit, payment: PresentedPayment): Promise<void> {
    const key = saleKey(payment);
    const buyerKey = readBuyerKey(visit.request, payment);
    if (buyerKey === "invalid") return sendAnswer(visit.response, answers.KEY_INVALID);
    const take = () => this.#turns.take(key, () => this.#takeInTurn(visit, payment, buyerKey));
    if (buyerKey === undefined) return take();
    return this.#turns.take(`${payment.payer} ${keyText(buyerKey)}`, take);
  }

  /** A sale that has begun goes on from its record; only a new one is quoted. */
  async #takeInTurn(
    visit: Visit,
    payment: PresentedPayment,
    buyerKey: BuyerKey | undefined,
  ): Promise<void> {
    const { protocol } = payment;
    const found = await this.#repeats.find(visit, payment, buyerKey);
    if (found.state === "ours") await this.#advance(visit, found.record);
    else if (found.state === "new") await this.#begin(visit, payment, buyerKey);
    else if (found.state === "signed-anew") await this.#repeat(visit, payment, found.record);
    else if (found.state === "expired")
      await this.#ask(visit, "payment_expired", { protocol, problem: "payment-expired" });
    else if (found.state === "reused" && protocol === "mpp")
      await this.#ask(visit, "payment_reused", { protocol, problem: "invalid-challenge" });
    else if (found.state === "reused") sendAnswer(visit.response, answers.REUSED);
  }

  async #advance(visit: Visit, record: SaleRecord<Order>, first?: PaymentStep): Promise<void> {
    const progress = await this.#sales.advance(visit, record, first);
    if (progress === "later") this.#later.add(saleKey(record.sale));
  }

  /** Resolves to whether it is still open. */
  async #recoverOne(key: string): Promise<boolean> {
    await this.#turns.take(key, () => this.#recovery.recover(key));
    const state = this.#records.find(key)?.state ?? "abandoned";
    return state !== "settled" && state !== "abandoned";
  }

  /** A lost answer, fetched with a second payment: it proves who asks, and is not taken. */
  async #repeat(visit: Visit, payment: PresentedPayment, record: SaleRecord<Order>): Promise<void> {
    const delivered = deliveredOf(record);
    if (!delivered) throw new Error("a sale that is over has an answer");
    const { payload, protocol } = payment;
    const verdict = await this.#cashier.begin({ ...record, payload, protocol }).verify();
    if (verdict.state === "valid")
      answers.sendDelivered(visit.response, record.protocol, delivered);
    else if (verdict.state === "refused") await this.#ask(visit, verdict.reason, { protocol });
    else answers.sendLater(visit.response, answers.UNAVAILABLE);
  }

  async #begin(
    visit: Visit,
    payment: PresentedPayment,
    buyerKey: BuyerKey | undefined,
  ): Promise<void> {
    const quote = await this.#door.quote(visit.request);
    if ("refusal" in quote) return sendAnswer(visit.response, quote.refusal);
    const { protocol, payer, nonce, validBefore, digest, payload } = payment;
    const problem =
      protocol === "mpp" ? findMppProblem(payment, quote, visit, this.#seal) : undefined;
    const wrong = problem ?? this.#mismatch(payment, quote, visit);
    if (wrong !== undefined)
      return this.#sendChallenge(visit, quote, { error: wrong, protocol, problem });
    const { amount, asset, payTo, order, description } = quote;
    const record: SaleRecord<Order> = {
      state: "working",
      name: this.#door.name,
      digest,
      fingerprint: visit.fingerprint,
      buyerKey: buyerKey && keyText(buyerKey),
      sale: { order, payer, nonce, amount, asset, payTo, validBefore },
      description,
      asked: visit.asked,
      protocol,
      payload,
      receipt: undefined,
      answer: undefined,
      at: 0,
    };
    const { credits, onlySeller = false } = this.#options;
    const over = this.#caps?.check(record.sale);
    if (over) return sendAnswer(visit.response, over.refusal);
    const first = this.#cashier.begin(record);
    const verdict = await first.verify();
    if (verdict.state === "unknown") return answers.sendLater(visit.response, answers.UNAVAILABLE);
    const preempted = onlySeller ? await preemptedStep(verdict, record, this.#cashier) : undefined;
    if (verdict.state === "refused" && !preempted)
      return this.#sendChallenge(visit, quote, { error: verdict.reason, protocol });
    const step = preempted ?? first;
    const allow = () => {
      const refused = this.#caps?.check(record.sale) ?? this.#door.claimed?.(record.sale);
      if (!refused && step !== preempted) credits?.claim(record.sale);
      return refused;
    };
    const claim = await this.#records.claim(saleKey(payment), record, {
      owner: this.#owner,
      allow,
      sync: isLastingClaim(this.#door),
    });
    if (!claim) await this.#advance(visit, record, step);
    else if ("refused" in claim) sendAnswer(visit.response, claim.refused.refusal);
    // Another process of the seller's has taken it meanwhile.
    else await this.#takeInTurn(visit, payment, buyerKey);
  }

  #mismatch(payment: PresentedPayment, terms: Terms, { asked }: Visit): string | undefined {
    if (payment.protocol === "x402v1" && !takesV1) return "invalid_x402_version";
    return findMismatch(payment, terms, asked);
  }

  /** Answers with the price, or with why there is none. */
  async #ask(
    visit: Visit,
    error: string,
    of: { protocol?: PresentedPayment["protocol"]; problem?: MppProblem } = {},
  ): Promise<void> {
    const quote = await this.#door.quote(visit.request);
    if ("refusal" in quote) sendAnswer(visit.response, quote.refusal);
    else this.#sendChallenge(visit, quote, { error, ...of });
  }

  #sendChallenge(
    visit: Visit,
    terms: Terms,
    why: Pick<ChallengeOptions, "error" | "protocol" | "problem">,
  ): void {
    sendChallenge(visit, terms, { takesV1, seal: this.#seal, ...why });
  }
}

/**
 * Whether a claim has to be on disk before its work begins: where the money moves first, and where the work has to be undone. Otherwise
 * the record of the finished work brings it along, and a power failure in between forgets a payment that nobody has settled.
 */
function isLastingClaim<Order>(door: Door<Order>): boolean {
  return door.flow === "settle-first" || door.abandoned !== undefined;
}
