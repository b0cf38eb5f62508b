/**
 * What a door of the paywall says of its goods. A door is how a seller mounts the paywall (a price before an ordinary handler, a
 * quote with work of its own); everything else, from the 402 to the stored answer, is the same for all of them.
 */
import type { Request } from "express";
import type { Address, Hex } from "viem";
import type { Asset } from "../../protocol/asset.ts";
import type { Visit } from "./visit.ts";

/** What one request costs. `order` is what is being sold, in the seller's own words: it is stored, so it must be plain JSON. */
export interface PaywallQuote<Order> {
  /** Atomic units. */
  readonly amount: bigint;
  readonly asset: Asset;
  readonly payTo: Address;
  readonly description: string;
  readonly order: Order;
}

/** An HTTP answer with a JSON body. */
export interface PaywallAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The seller does not sell this (taken, over the cap, not yours): answered as it is, and nobody is charged. */
export interface PaywallRefusal {
  /** `status` is 400 or more. */
  readonly refusal: PaywallAnswer;
}

/** One authorization that pays for one order. `payer` and `nonce` together are the key for idempotent work. */
export interface PaywallSale<Order> {
  readonly order: Order;
  readonly payer: Address;
  readonly nonce: Hex;
  /** Atomic units. */
  readonly amount: bigint;
  readonly asset: Asset;
  readonly payTo: Address;
  /** Unix seconds; after it the payment can no longer settle. */
  readonly validBefore: bigint;
}

export interface PaidSale<Order> extends PaywallSale<Order> {
  /** The settlement's. Payments that were settled together share one. */
  readonly transaction: Hex;
}

/** An answer as it is kept, to be given again. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** As text where it is UTF-8, otherwise in Base64; neither where it was too large to keep. */
  readonly text?: string;
  readonly base64?: string;
}

/**
 * `work-first`: the work is done, then the payment settles, and the answer leaves when it has; work that fails costs nobody
 * anything. `settle-first`: the payment settles, then the work is done; for what cannot be undone, and for answers that stream.
 */
export type PaywallFlow = "work-first" | "settle-first";

/** What work before settlement came to: an answer to keep, nothing to say yet, or an answer that ends the sale unpaid. */
export type Worked =
  | { readonly answer?: StoredAnswer | undefined; readonly refuse?: undefined }
  | { readonly refuse: () => void };

/** What work after settlement came to. `send` lets go of what is held of it, where not all has left. */
interface Fulfilled {
  readonly state: "done" | "failed" | "broken";
  readonly answer: StoredAnswer;
  /** Ends an answer that has begun to stream; undefined where nothing has left yet. */
  readonly end?: (() => void) | undefined;
}

export interface Door<Order> {
  /** Tells this paywall's records from those of another one in the same database. */
  readonly name: string;
  readonly flow: PaywallFlow;
  /** Every request costs the same, always. */
  readonly isFixed?: boolean;
  /** Called for unpaid requests and again for paid ones, never for a sale that has begun. */
  quote(
    request: Request,
  ): PaywallQuote<Order> | PaywallRefusal | Promise<PaywallQuote<Order> | PaywallRefusal>;
  /** In the transaction that claims the payment: a refusal leaves nothing behind. */
  claimed?(sale: PaywallSale<Order>): PaywallRefusal | undefined;
  /** `work-first`, verified and claimed; may run again for the same payment after a crash. */
  work?(sale: PaywallSale<Order>, visit: Visit | undefined): Promise<Worked>;
  /** `work-first`: in the transaction that records the settlement; what to answer. */
  settled?(sale: PaidSale<Order>, answer: StoredAnswer | undefined): StoredAnswer;
  /** `settle-first`: the money has moved. May run again for the same payment. */
  fulfil?(sale: PaidSale<Order>, visit: Visit, receipt: () => void): Promise<Fulfilled>;
  /**
   * `settle-first`: the money has moved and the work failed, or nobody came for it before the payment's window closed. Repeated
   * until it resolves, then never again; idempotent by payer and nonce. Resolves to what is answered. Without it the buyer's
   * resend of the same payment does the work again.
   */
  afterFailure?(sale: PaidSale<Order>, answer: StoredAnswer | undefined): Promise<StoredAnswer>;
  /** The payment can never settle any more: undo `work`. In the transaction that records it. */
  abandoned?(sale: PaywallSale<Order>): void;
}
