/**
 * The seller's side where the price is quoted for each request and the seller's own database changes hands with the money: an
 * Express route that answers 402, and sells once for each payment. It takes x402 v1, x402 v2 and MPP.
 *
 * A sale goes: quote → (402) → quote again → verify → claim → `work` → settle → `settled` → answer. Its invariants: one
 * authorization buys one request (method, URL, body); the same bytes again get the stored answer, also after a crash at any point;
 * what is settled is delivered. The stored answer goes to whoever presents the bytes, so authenticate before this handler.
 *
 * @example
 * const registrations = quotedPaywall<Registration>({ db, facilitator, publicOrigin, quote, work, settled });
 * app.post("/accounts/:account/registrations", authenticate, express.json(), registrations.handler);
 * await registrations.recover(); // once at start, and now and then
 */
import type { Request, RequestHandler } from "express";
import type { Database } from "../store/index.ts";
import { sendAnswer, storedJson } from "./paywall/answers.ts";
import type {
  PaidSale,
  PaywallAnswer,
  PaywallQuote,
  PaywallRefusal,
  PaywallSale,
} from "./paywall/door.ts";
import type { AfterFailure } from "./paywall/amends.ts";
import type { PayerCap } from "./paywall/payer-cap.ts";
import type { PayerCredit } from "./paywall/payer-credit.ts";
import type { PaywallFacilitator } from "./paywall/facilitator-port.ts";
import { Paywall } from "./paywall/paywall.ts";

export interface QuotedPaywallOptions<Order> {
  /** The seller's own database: `settled` writes to it in the same transaction that records the payment. */
  readonly db: Database;
  /** Tells this paywall's records from those of another one in the same database. */
  readonly name: string;
  /** Its URL, or an object in this process, such as `createFacilitator` of `purser/facilitator` gives. */
  readonly facilitator: string | PaywallFacilitator;
  /** Such as "http://127.0.0.1:4101": the origin that buyers see; the resource's URL is this and the request's path. */
  readonly publicOrigin: string | (() => string);
  /** Computes the price. Called for unpaid requests and again for paid ones, never for a sale that has begun. */
  readonly quote: (
    request: Request,
  ) => PaywallQuote<Order> | PaywallRefusal | Promise<PaywallQuote<Order> | PaywallRefusal>;
  /**
   * What must be done before the money moves, such as holding the name. The payment has been verified. It may run again for
   * the same `nonce` (after a crash) and must then do nothing new. A refusal ends the sale and nobody is charged.
   */
  readonly work: (
    sale: PaywallSale<Order>,
  ) => PaywallRefusal | undefined | Promise<PaywallRefusal | undefined>;
  /**
   * The money has moved: make it the buyer's, and say what to answer. Synchronous, and inside one transaction of `db` with the
   * payment's record, so it takes effect exactly once. Where it throws, the buyer is asked to send the same payment again.
   */
  readonly settled: (sale: PaidSale<Order>) => PaywallAnswer;
  /**
   * The payment can never settle any more (its window has closed): undo `work`, which a crash may have kept from happening.
   * Same transaction as the record.
   */
  readonly abandoned?: (sale: PaywallSale<Order>) => void;
  /**
   * What is owed where a payment turns out to have settled and `work` refuses it: a refund (`refundAmends`) or a credit
   * (`creditAmends`). Repeated until it is done.
   */
  readonly afterFailure?: AfterFailure;
  /** What a payer may spend here in a UTC month, in atomic units; default: no limit. Above it: 403, nobody else is asked. */
  readonly payerCap?: PayerCap;
  /** Pays purchases from their payers' credits. */
  readonly credits?: PayerCredit;
  /**
   * True where nothing but this database sells for its payees: a payment that somebody else has brought to the chain already is
   * then taken as paid, and not refused as used.
   */
  readonly onlySeller?: boolean;
  /** How long a buyer may take, and how long `work` may have to be kept without money. */
  readonly maxTimeoutSeconds?: number;
  /** How long a buyer waits for the facilitator before the answer is "ask again" (503). */
  readonly facilitatorTimeoutMs?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface QuotedPaywall {
  readonly handler: RequestHandler;
  /**
   * Ends the sales that a crash or a silent facilitator left open: settles again (which is idempotent) and completes what was
   * paid, abandons what can never be paid. Resolves to the number of sales that are still open.
   */
  recover(): Promise<number>;
}

/** Makes a paywall for one route; mount its `handler`, and call `recover` at start. */
export function quotedPaywall<Order>({
  name,
  quote,
  work,
  settled,
  abandoned = () => undefined,
  afterFailure,
  ...options
}: QuotedPaywallOptions<Order>): QuotedPaywall {
  const paywall = new Paywall<Order>(
    {
      name,
      flow: "work-first",
      quote,
      work: async (sale, visit) => {
        const refused = await work(sale);
        if (!refused) return {};
        const refuse = () => {
          if (visit) sendAnswer(visit.response, refused.refusal);
        };
        return { refuse };
      },
      settled: (sale) => storedJson(settled(sale)),
      abandoned,
      ...(afterFailure && {
        afterFailure: async (sale, answer) => storedJson(await afterFailure({ sale, answer })),
      }),
    },
    options,
  );
  return {
    handler: (request, response, next) => paywall.handle(request, response, next),
    recover: () => paywall.recover(),
  };
}
