/**
 * Every door's paywall: asks for the price, takes a payment once, and gives whoever presents it again the same answer. One
 * payment is dealt with at a time; the record says where it stands. See `docs/selling.md` for what this promises.
 */
import type { Request, Response } from "express";
import type { Database } from "../../store/index.ts";
import { Turns } from "../turns.ts";
import * as answers from "./answers.ts";
import { sendAnswer } from "./answers.ts";
import { type ChallengeOptions, sendChallenge } from "./challenge.ts";
import type { Door, PaywallQuote, PaywallRefusal } from "./door.ts";
import type { PaywallFacilitator } from "./facilitator-port.ts";
import { Later } from "./later.ts";
import { KeptQuotes } from "./kept-quotes.ts";
import { MppChallenges, newIds } from "./mpp-challenge.ts";
import { type AskAgain, NewSales } from "./new-sale.ts";
import { type PayerCap, PayerCaps } from "./payer-cap.ts";
import { type PayerCredit, withCredit } from "./payer-credit.ts";
import { type BuyerKey, keyText, readBuyerKey } from "./payment-identifier.ts";
import { type Cashier, cashier, type PaymentStep } from "./payment-step.ts";
import { type PresentedPayment, readPresented } from "./presented-payment.ts";
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
import { Visit, type VisitOptions } from "./visit.ts";
import { hasUnreadBody } from "./body-text.ts";

/** What an answer depends on, for caches that keep it in spite of what it says. */
const VARY = "Accept, Authorization, Payment-Authorization, X-PAYMENT, PAYMENT-SIGNATURE";

const MAX_TIMEOUT_SECONDS = 120;

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

/** The payment that is refused, where there is one. */
type AskedOf = Pick<ChallengeOptions, "protocol" | "problem">;

export class Paywall<Order> {
  readonly #door: Door<Order>;
  readonly #visits: VisitOptions;
  readonly #records: SaleRecords<Order>;
  readonly #repeats: Repeats<Order>;
  readonly #sales: Sales<Order>;
  readonly #recovery: SaleRecovery<Order>;
  readonly #cashier: Cashier;
  readonly #turns = new Turns();
  readonly #later = new Later({ look: (key) => this.#recoverOne(key) });
  readonly #challenges: MppChallenges;
  readonly #quotes: KeptQuotes<Order> | undefined;
  readonly #newSales: NewSales<Order>;

  constructor(door: Door<Order>, options: CoreOptions) {
    const { db, facilitator, now = Date.now, newId = newIds() } = options;
    const { facilitatorTimeoutMs = 30_000, maxTimeoutSeconds = MAX_TIMEOUT_SECONDS } = options;
    const { publicOrigin } = options;
    const paymentFlow = door.flow === "settle-first" ? "upfront" : undefined;
    this.#visits = { publicOrigin, maxTimeoutSeconds, paymentFlow };
    this.#door = door;
    const records = new SaleRecords<Order>(db, now);
    const owner = new Owner(db, now);
    this.#records = records;
    const { payerCap, credits } = options;
    const seal = openSeal(db);
    // Of this seller's own making: another one that is shown the same payment cannot name it so.
    const nameOf = (sale: SaleRecord<unknown>["sale"]) => seal(`settle ${saleKey(sale)}`);
    const asking = cashier(facilitator, { timeoutMs: facilitatorTimeoutMs, nameOf });
    this.#cashier = credits ? withCredit(asking, credits) : asking;
    const endings = new SaleEndings({ door, records });
    const parts = { door, records, owner, cashier: this.#cashier, endings, now };
    this.#recovery = new SaleRecovery(parts);
    const ask: AskAgain = (visit, terms, why) => this.#sendChallenge(visit, terms, why);
    this.#sales = new Sales({
      ...parts,
      syncsBeforeMoney:
        door.work !== undefined && typeof facilitator !== "string" && facilitator.syncs === db,
      refuse: (visit, { sale, description, protocol }, reason) =>
        ask(visit, { ...sale, description }, { error: reason, protocol }),
    });
    this.#repeats = new Repeats({ name: door.name, records, owner, waitMs: facilitatorTimeoutMs });
    // Of a key of its own: the seal's is used for other things too.
    const mpp = { key: seal("MPP challenge ids"), now, newId };
    this.#challenges = new MppChallenges(mpp);
    const lifetimeMs = maxTimeoutSeconds * 1000;
    // A fixed price was never another.
    this.#quotes = door.isFixed === true ? undefined : new KeptQuotes({ now, lifetimeMs });
    const caps = payerCap && new PayerCaps({ db, capOf: payerCap, now });
    const quotes = this.#quotes;
    this.#newSales = new NewSales({ ...parts, ...options, caps, quotes, mpp, ask });
  }

  /** What fails goes to `next`. An unpaid request whose price is known is answered before this returns. */
  handle(request: Request, response: Response, next: Visit["next"]): Promise<void> | undefined {
    try {
      return this.#receive(request, response, next)?.catch(next);
    } catch (error) {
      next(error);
      return undefined;
    }
  }

  #receive(request: Request, response: Response, next: Visit["next"]): Promise<void> | undefined {
    response.setHeader("Cache-Control", "no-store");
    if (response.hasHeader("Vary")) response.vary(VARY);
    else response.setHeader("Vary", VARY);
    if (request.method === "OPTIONS") {
      // A browser asks before the request; it is never sold, and never does the work.
      response.status(204).end();
      return undefined;
    }
    if (hasUnreadBody(request)) {
      sendAnswer(response, answers.BODY_NOT_READ);
      return undefined;
    }
    const visit = new Visit({ request, response, next }, this.#visits);
    const payment = readPresented(request);
    // A HEAD request delivers nothing, so it is not sold.
    if (!payment || request.method === "HEAD") return this.#ask(visit, "Payment required");
    if (!("malformed" in payment)) return this.#take(visit, payment);
    if (payment.malformed === "mpp")
      return this.#ask(visit, "malformed", { protocol: "mpp", problem: "malformed-credential" });
    sendAnswer(response, answers.MALFORMED);
    return undefined;
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
    else if (found.state === "new") {
      const begun = await this.#newSales.begin(visit, payment, buyerKey);
      if (begun === "taken") await this.#takeInTurn(visit, payment, buyerKey);
      else if (begun) await this.#advance(visit, begun.record, begun.step);
    } else if (found.state === "signed-anew") await this.#repeat(visit, payment, found.record);
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

  /** Answers with the price, or with why there is none; at once where nobody has to be waited for. */
  #ask(visit: Visit, error: string, of: AskedOf = {}): Promise<void> | undefined {
    const quote = this.#door.quote(visit.request);
    if ("then" in quote) return quote.then((quoted) => this.#tell(visit, quoted, error, of));
    this.#tell(visit, quote, error, of);
    return undefined;
  }

  #tell(
    visit: Visit,
    quote: PaywallQuote<Order> | PaywallRefusal,
    error: string,
    of: AskedOf,
  ): void {
    if ("refusal" in quote) return sendAnswer(visit.response, quote.refusal);
    this.#quotes?.keep(visit.fingerprint, quote);
    this.#sendChallenge(visit, quote, { error, ...of });
  }

  #sendChallenge(visit: Visit, terms: Terms, why: AskedOf & { error: string }): void {
    sendChallenge(visit, terms, { takesV1, challenges: this.#challenges, ...why });
  }
}
