/**
 * One sale after another for each authorization: what the record says comes first, the libraries second, and the answer leaves
 * only when the record has it. See `quoted-paywall.ts` for what this promises.
 */
import type { Request, Response } from "express";
import { SettleResponse } from "../../protocol/authorization.ts";
import { decodeJson, encodeJson } from "../../protocol/offer.ts";
import { fingerprintOf } from "../fingerprint.ts";
import { PaymentError } from "../payment-error.ts";
import type { PaywallAnswer, QuotedPaywallOptions } from "../quoted-paywall.ts";
import { Turns } from "../turns.ts";
import * as answers from "./answers.ts";
import { sendAnswer, sendDelivered, sendUnavailable, sendUncached } from "./answers.ts";
import { bodyText } from "./body-text.ts";
import { browserPage } from "./browser-page.ts";
import { captureResponse, type CapturedResponse } from "./captured-response.ts";
import { Deadline } from "./deadline.ts";
import { type PresentedPayment, readPresented } from "./presented-payment.ts";
import { type AskedRequest, challengeFor, type Terms } from "./requirements.ts";
import { type Delivered, saleKey, type SaleRecord, SaleRecords } from "./sale-records.ts";
import { readOutcome, settleAgain, type SettleOutcome } from "./settle-again.ts";
import { readStockRefusal } from "./stock-refusal.ts";
import { type StockMiddleware, stockMiddleware } from "./stock-middleware.ts";

/** How long after its window a payment counts as one that can never settle: for clocks that differ. */
const GRACE_SECONDS = 60n;

/** What an answer depends on, for caches that keep it in spite of what it says. */
const VARY = "Accept, X-PAYMENT, PAYMENT-SIGNATURE";
/** Of a header: buyers' HTTP libraries take some 16 KB for all of them together. */
const MAX_CHALLENGE = 8_000;
const UNKNOWN: SettleOutcome = { state: "unknown" };

/** A request, and what the paywall has read of it. */
interface Visit {
  readonly request: Request;
  readonly response: Response;
  readonly asked: AskedRequest;
  readonly fingerprint: string;
}

export class Paywall<Order> {
  readonly #options: QuotedPaywallOptions<Order>;
  readonly #records: SaleRecords<Order>;
  readonly #stock: StockMiddleware;
  readonly #turns = new Turns();
  readonly #now: () => number;
  readonly #facilitatorTimeoutMs: number;

  constructor(options: QuotedPaywallOptions<Order>) {
    const { db, facilitatorUrl, now = Date.now, facilitatorTimeoutMs = 30_000 } = options;
    this.#options = options;
    this.#facilitatorTimeoutMs = facilitatorTimeoutMs;
    this.#now = now;
    this.#records = new SaleRecords(db, now);
    this.#stock = stockMiddleware(facilitatorUrl);
  }

  async handle(request: Request, response: Response): Promise<void> {
    response.setHeader("Cache-Control", "no-store");
    response.vary(VARY);
    if (request.method === "OPTIONS") {
      // A browser asks before the request; it is never sold, and never does the work.
      response.status(204).end();
      return;
    }
    const visit = this.#receive(request, response);
    const payment = readPresented(request);
    if (payment === "malformed") sendAnswer(response, answers.MALFORMED);
    else if (!payment) await this.#ask(visit, "Payment required");
    else await this.#turns.take(saleKey(payment), () => this.#takePayment(visit, payment));
  }

  async recover(): Promise<number> {
    const { name } = this.#options;
    for (const key of this.#records.listOpen(name)) {
      await this.#turns.take(key, () => this.#recoverOne(key));
    }
    return this.#records.listOpen(name).length;
  }

  #receive(request: Request, response: Response): Visit {
    const { publicOrigin, maxTimeoutSeconds = 120 } = this.#options;
    const { method, originalUrl: url } = request;
    const origin = typeof publicOrigin === "string" ? publicOrigin : publicOrigin();
    const asked = { method, resource: origin.replace(/\/$/, "") + url, maxTimeoutSeconds };
    const body = bodyText(request);
    let fingerprint: string | undefined;
    return {
      request,
      response,
      asked,
      // Most requests are unpaid, and need none.
      get fingerprint() {
        fingerprint ??= fingerprintOf({ method, url, body });
        return fingerprint;
      },
    };
  }

  /** A sale that has begun goes on from its record; only a new one is quoted. */
  async #takePayment(visit: Visit, payment: PresentedPayment): Promise<void> {
    const { response } = visit;
    const record = this.#records.find(saleKey(payment));
    if (!record) await this.#beginSale(visit, payment);
    else if (!this.#isSame(record, visit, payment)) sendAnswer(response, answers.REUSED);
    else if (record.delivered) sendDelivered(response, record.x402Version, record.delivered);
    else if (record.state === "abandoned") await this.#ask(visit, "payment_expired");
    else if (record.state === "worked")
      await this.#finish(visit, record, await this.#settle(record));
    else await this.#sell(visit, payment, record);
  }

  async #beginSale(visit: Visit, payment: PresentedPayment): Promise<void> {
    const quote = await this.#options.quote(visit.request);
    if ("refusal" in quote) {
      sendAnswer(visit.response, quote.refusal);
      return;
    }
    const { amount, asset, payTo, order, description } = quote;
    const wrong = findMismatch(payment, quote);
    if (wrong !== undefined) {
      this.#sendChallenge(visit, quote, wrong);
      return;
    }
    const { payer, nonce, validBefore, digest, payload, x402Version } = payment;
    await this.#sell(visit, payment, {
      state: "working",
      name: this.#options.name,
      digest,
      fingerprint: visit.fingerprint,
      sale: { order, payer, nonce, amount, asset, payTo, validBefore },
      description,
      asked: visit.asked,
      x402Version,
      payload,
      delivered: undefined,
    });
  }

  /** Verify, work, settle: by the stock middleware, with the answer held back until the record has it. */
  async #sell(visit: Visit, payment: PresentedPayment, record: SaleRecord<Order>): Promise<void> {
    const { request, response } = visit;
    const { x402Version, sale, description, asked } = record;
    const held = captureResponse(response);
    let failure: { error: unknown } | undefined;
    const deadline = new Deadline(this.#facilitatorTimeoutMs);
    let isLate = false;
    let hasWorked = false;
    // It always ends an answer and never rejects: the libraries wait for the one and let go of the other.
    const handler = async () => {
      if (isLate) {
        // The buyer has been told to ask again: nothing is sold behind their back.
        sendAnswer(response, answers.UNAVAILABLE);
        return;
      }
      hasWorked = true;
      deadline.stop();
      try {
        const refusal = await this.#work(visit, payment, record);
        sendAnswer(response, refusal ?? { status: 200, body: {} });
      } catch (error) {
        failure = { error };
        sendAnswer(response, answers.WORK_FAILED);
      }
      deadline.start();
    };
    try {
      const terms = { ...sale, description };
      const run = this.#stock.run({ x402Version, terms, asked, request, response, handler });
      deadline.start();
      isLate = (await Promise.race([run, deadline.passed])) === "timed out";
    } catch (error) {
      if (error instanceof PaymentError) failure ??= { error };
    } finally {
      deadline.stop();
    }
    const now = this.#records.find(saleKey(payment));
    const sold = now !== undefined && now.state !== "working" && this.#isSame(now, visit, payment);
    if (sold) {
      const outcome = isLate ? UNKNOWN : readHeld(held, record);
      held.discard();
      const known = isLate || outcome.state === "settled" || now.delivered;
      await this.#finish(visit, now, known ? outcome : await this.#settle(now));
    } else if (failure) {
      held.discard();
      throw failure.error;
    } else if (hasWorked && !isLate) {
      response.setHeader("Cache-Control", "no-store");
      held.release();
    } else {
      const reason = isLate ? undefined : readStockRefusal(held, x402Version);
      held.discard();
      if (reason === undefined) sendUnavailable(response);
      else this.#sendChallenge(visit, { ...sale, description }, reason);
    }
    if (isLate) held.mute();
  }

  /** The seller's own work, between verification and settlement; returns what it refuses with. */
  async #work(
    visit: Visit,
    payment: PresentedPayment,
    record: SaleRecord<Order>,
  ): Promise<PaywallAnswer | undefined> {
    const key = saleKey(payment);
    // Another process of the seller's may have taken it meanwhile.
    if (!this.#isSame(this.#records.claim(key, record), visit, payment)) return answers.REUSED;
    const refused = await this.#options.work(record.sale);
    if (refused) this.#records.drop(key);
    else this.#records.markWorked(key);
    return refused?.refusal;
  }

  /** Answers a sale whose work is done, by what is known of its settlement. */
  async #finish(
    { request, response }: Pick<Visit, "request" | "response">,
    record: SaleRecord<Order>,
    outcome: SettleOutcome,
  ): Promise<void> {
    const { x402Version, sale, description, asked } = record;
    if (record.delivered) {
      sendDelivered(response, x402Version, record.delivered);
    } else if (outcome.state === "settled") {
      sendDelivered(response, x402Version, this.#deliver(record, outcome));
    } else if (outcome.state === "refused") {
      response.setHeader(answers.RECEIPT_HEADERS[x402Version], encodeJson(outcome.response));
      this.#sendChallenge({ request, response, asked }, { ...sale, description }, outcome.reason);
    } else {
      answers.sendPending(response, record, outcome.response);
    }
  }

  #deliver(
    { sale }: SaleRecord<Order>,
    { transaction, response }: Extract<SettleOutcome, { state: "settled" }>,
  ): Delivered {
    return this.#records.settle(saleKey(sale), transaction, () => ({
      answer: this.#options.settled({ ...sale, transaction }),
      receipt: encodeJson(response),
    }));
  }

  async #recoverOne(key: string): Promise<void> {
    const record = this.#records.find(key);
    if (!record || record.state === "settled" || record.state === "abandoned") return;
    const closedAt = (record.sale.validBefore + GRACE_SECONDS) * 1000n;
    const expired = closedAt < BigInt(Math.floor(this.#now()));
    // Before its work is done it is not settled behind the buyer's back: they may still send it again.
    if (record.state === "working" && !expired) return;
    const outcome = await this.#settle(record);
    if (outcome.state === "settled") {
      const refused = record.state === "working" && (await this.#options.work(record.sale));
      if (!refused) this.#deliver(record, outcome);
    } else if (outcome.state === "refused" && expired) {
      this.#records.abandon(key, () => this.#options.abandoned?.(record.sale));
    }
  }

  #settle(record: SaleRecord<Order>): Promise<SettleOutcome> {
    return settleAgain(this.#options.facilitatorUrl, record, this.#facilitatorTimeoutMs);
  }

  /** Whether a record is of these bytes, for this request, at this paywall. */
  #isSame(
    record: SaleRecord<Order>,
    { fingerprint }: Visit,
    { digest }: PresentedPayment,
  ): boolean {
    const { name } = this.#options;
    return record.digest === digest && record.fingerprint === fingerprint && record.name === name;
  }

  /** Answers with the price, or with why there is none. */
  async #ask(visit: Visit, error: string): Promise<void> {
    const quote = await this.#options.quote(visit.request);
    if ("refusal" in quote) sendAnswer(visit.response, quote.refusal);
    else this.#sendChallenge(visit, quote, error);
  }

  #sendChallenge(
    { request, response, asked }: Pick<Visit, "request" | "response" | "asked">,
    terms: Terms,
    error: string,
  ): void {
    const options = { v1: this.#stock.takesV1, error };
    const full = challengeFor(terms, asked, options);
    const short = { ...terms, description: terms.description.slice(0, 500) };
    const { header, body } =
      full.header.length > MAX_CHALLENGE ? challengeFor(short, asked, options) : full;
    if (header.length > MAX_CHALLENGE) {
      sendAnswer(response, answers.URL_TOO_LONG);
      return;
    }
    response.setHeader("PAYMENT-REQUIRED", header);
    if (prefersHtml(request)) {
      response.setHeader("Content-Security-Policy", "default-src 'none'");
      response
        .status(402)
        .type("html")
        .send(browserPage(terms, asked, decodeJson(header)));
    } else sendUncached(response, { status: 402, body });
  }
}

function prefersHtml(request: Request): boolean {
  const { accept = "" } = request.headers;
  return accept.includes("html") && request.accepts(["json", "html"]) === "html";
}

/** The terms that a payment does not meet to the unit; in the specification's words. */
function findMismatch(
  payment: PresentedPayment,
  { amount, asset, payTo }: Terms,
): string | undefined {
  if (payment.x402Version === 1) {
    if (payment.payload["scheme"] !== "exact") return "invalid_scheme";
    if (payment.payload["network"] !== asset.networkName) return "invalid_network";
  }
  if (payment.amount !== amount) return "invalid_exact_evm_payload_authorization_value_mismatch";
  if (payment.payTo.toLowerCase() === payTo.toLowerCase()) return undefined;
  return "invalid_exact_evm_payload_recipient_mismatch";
}

/** What the stock middleware's answer says of the settlement. */
function readHeld(held: CapturedResponse, { x402Version }: SaleRecord<unknown>): SettleOutcome {
  const receipt = held.header(answers.RECEIPT_HEADERS[x402Version]);
  const json = receipt === undefined ? undefined : decodeJson(receipt);
  return readOutcome(held.status() < 500, SettleResponse.safeParse(json).data);
}
