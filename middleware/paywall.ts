/**
 * A price before an ordinary Express handler. The same route takes x402 v1, x402 v2 and MPP; one payment buys one run of the
 * handler for one request (method, URL, body), and whoever presents the same payment again, also after a restart or a thousand
 * times at once, gets the same answer. Put what reads the body and what authenticates before it.
 *
 * @example
 * const paid = paywall({ price: "0.01", payTo, db: openDatabase("shop.sqlite"), facilitator: "https://x402.org/facilitator" });
 * app.get("/weather", paid, (request, response) => response.json({ sky: "clear" }));
 * await paid.recover(); // once at start, and now and then
 */
import type { Request, RequestHandler } from "express";
import { type Address, isAddress } from "viem";
import { addAsset, type Asset, BASE_SEPOLIA_USDC } from "../protocol/asset.ts";
import { AmountError, parseDecimal } from "../protocol/money.ts";
import { PaymentError } from "./payment-error.ts";
import type {
  Door,
  PaidSale,
  PaywallAnswer,
  PaywallFlow,
  PaywallQuote,
  PaywallRefusal,
  PaywallSale,
  StoredAnswer,
} from "./paywall/door.ts";
import { handlerDoor } from "./paywall/handler-door.ts";
import { type CoreOptions, Paywall } from "./paywall/paywall.ts";
import { recallSale } from "./paywall/sale-of-request.ts";

/** What was sold through `paywall`: the handler knows what that is. */
export type SoldRequest = PaywallSale<null>;

export interface PaywallOptions extends CoreOptions {
  /**
   * In whole tokens, such as "0.01", for everybody or for each request. Computed for unpaid requests and again for paid ones; a price
   * that has changed in between may be paid for as long as its offer said (`maxTimeoutSeconds`). What it throws goes to Express, and
   * nobody is charged.
   */
  readonly price: string | ((request: Request) => Price | Promise<Price>);
  readonly payTo: Address;
  /** Default: USDC on Base Sepolia, where no real money moves. */
  readonly asset?: Asset;
  /** What it buys, for people. */
  readonly description?: string;
  /**
   * `work-first` (default): the handler runs, its answer waits, and the payment settles when its status is below 400; otherwise
   * nobody is charged. `settle-first`: the payment settles, then the handler runs and may stream.
   */
  readonly flow?: PaywallFlow;
  /** Tells its records from those of another paywall in the same database. Default: the flow's name. */
  readonly name?: string;
  /** How much of an answer is kept, in bytes. With `work-first` a larger one is an error, and nobody is charged. */
  readonly maxAnswerBytes?: number;
  /**
   * How long the handler may take to end its answer, or with `settle-first` to let it begin; default: a minute. After that the answer
   * is 504 `handler_timeout`: with `work-first` nobody is charged, with `settle-first` it is a failure as any other. What the handler
   * writes later goes nowhere.
   */
  readonly handlerTimeoutMs?: number;
  /**
   * Whether this payer may buy now; called in the transaction that claims the payment, synchronously, so that what it counts in
   * `db` cannot change meanwhile. What it refuses is not charged.
   */
  readonly mayBuy?: (sale: SoldRequest) => PaywallRefusal | undefined;
  /**
   * `settle-first`: the money moved, and the handler failed (400 or more), or the buyer never came for the answer. Gives back what is
   * owed, and says what to answer; repeated until it resolves, idempotent by `payer` and `nonce`. Without it, the buyer's resend of
   * the same payment runs the handler again.
   */
  readonly afterFailure?: (failed: FailedSale) => Promise<Amends>;
}

export type Price = string | PaywallRefusal;

export interface FailedSale {
  readonly sale: PaidSale<null>;
  /** What the handler answered; undefined where it never did. */
  readonly answer: StoredAnswer | undefined;
}

/** What a buyer is told of a sale that failed after it was paid. It is kept, and told again. */
export interface Amends extends PaywallAnswer {
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PaywallHandler extends RequestHandler {
  /**
   * Ends the sales that a crash or a silent facilitator left open, as far as that can be done without their buyers. Resolves to
   * the number that are still open.
   */
  recover(): Promise<number>;
}

/** Makes the middleware. Throws `AMOUNT_INVALID` for a price that cannot be asked, `PAYWALL_INVALID` for a payee or a flow that is none. */
export function paywall(options: PaywallOptions): PaywallHandler {
  const { price, payTo, flow, asset = BASE_SEPOLIA_USDC, description = "" } = options;
  requirePayee(payTo);
  requireFlow(flow);
  // The seller's own word, by which the records of an earlier version are read.
  addAsset(asset);
  const quote = quoteBy(price, { asset, payTo, description });
  const isFixed = typeof price !== "function";
  const core = new Paywall(handlerDoor({ ...options, isFixed, quote }), options);
  const handler: RequestHandler = (request, response, next) => core.handle(request, response, next);
  return Object.assign(handler, { recover: () => core.recover() });
}

/** The sale that a request's payment made, for the handler: payer, amount, and `nonce` as a key for idempotent work. */
export function saleOf(request: Request): SoldRequest {
  return recallSale(request);
}

/** A price that everybody pays is quoted once, and nobody waits for it. */
function quoteBy(
  price: PaywallOptions["price"],
  { asset, payTo, description }: Pick<PaywallQuote<null>, "asset" | "payTo" | "description">,
): Door<null>["quote"] {
  const quote = (asked: unknown): PaywallQuote<null> => ({
    amount: readPrice(asked, asset),
    asset,
    payTo,
    description,
    order: null,
  });
  if (typeof price === "function") {
    return async (request) => {
      const asked = await price(request);
      return isRefusal(asked) ? asked : quote(asked);
    };
  }
  const fixed = quote(price);
  return () => fixed;
}

const isRefusal = (asked: Price): asked is PaywallRefusal =>
  typeof asked === "object" && "refusal" in (asked ?? {});

/** A mistyped address keeps what is sent to it, so one in mixed case has to be spelt as its checksum says. */
function requirePayee(payTo: unknown): void {
  if (typeof payTo === "string" && isAddress(payTo) && BigInt(payTo) > 0n) return;
  throw new PaymentError("PAYWALL_INVALID", {
    problem: "payTo is no address, or its capitals are not those of its checksum.",
    nextStep: "Copy the address again from where it was made.",
  });
}

function requireFlow(flow: unknown): void {
  if (flow === undefined || flow === "work-first" || flow === "settle-first") return;
  throw new PaymentError("PAYWALL_INVALID", {
    problem: "There is no such flow.",
    nextStep: 'Say "work-first" or "settle-first".',
  });
}

function readPrice(text: unknown, { decimals }: Asset): bigint {
  if (typeof text !== "string") {
    throw new AmountError("AMOUNT_INVALID", {
      problem: "A price is text, and this one is none.",
      nextStep: 'Write it in quotes, such as "0.01".',
    });
  }
  const amount = parseDecimal(text, decimals);
  if (amount > 0n) return amount;
  throw new AmountError("AMOUNT_INVALID", {
    problem: "A price must be more than nothing.",
    nextStep: "Leave the paywall away where nothing is to be paid.",
  });
}
