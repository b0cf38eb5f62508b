/**
 * One sale as the paywall remembers it: what was paid for by whom, how far it has come, and what it answers. See `sale-records.ts` for
 * where it is kept.
 */
import type { Address, Hex } from "viem";
import type { SettleResponse } from "../../protocol/authorization.ts";
import type { PaywallSale, StoredAnswer } from "./door.ts";
import type { PaywallProtocol } from "./presented-payment.ts";
import type { AskedRequest } from "./terms.ts";

export type SaleState =
  /** Claimed: the work may have begun (`work-first`), or the settlement (`settle-first`). */
  | "working"
  /** The work is done, and the money may move at any time. */
  | "worked"
  /** `settle-first`: the money has moved, and the work may have begun. */
  | "paid"
  /** `settle-first`: the money has moved, the work failed, and the seller has yet to make it good. */
  | "failed"
  /** Paid and answered; the answer is kept. */
  | "settled"
  /** It can never be paid any more, and the work was undone. */
  | "abandoned";

export interface SaleRecord<Order> {
  readonly state: SaleState;
  /** The paywall that took it. */
  readonly name: string;
  /** Of the payment's header, and of the request that it paid for. */
  readonly digest: string;
  readonly fingerprint: string;
  /** The buyer's own name for it, with its kind. */
  readonly buyerKey: string | undefined;
  readonly sale: PaywallSale<Order>;
  readonly description: string;
  readonly asked: AskedRequest;
  readonly protocol: PaywallProtocol;
  /** What the facilitator needs to settle it; forgotten once it is settled. */
  readonly payload: Readonly<Record<string, unknown>>;
  readonly transaction?: Hex | undefined;
  /** The facilitator's word on the settlement. */
  readonly receipt: SettleResponse | undefined;
  readonly answer: StoredAnswer | undefined;
  /** Its buyer was told that the settlement is refused, and may have paid anew: it is settled only where they send it again. */
  readonly refused?: boolean;
  /** Who is working on it now, and until when (ms) that is to be believed. */
  readonly owner?: { readonly id: string; readonly until: number } | undefined;
  /** When it was claimed, or settled, in milliseconds. */
  readonly at: number;
}

/** What a settled sale answers, each time. */
export interface Delivered {
  readonly answer: StoredAnswer;
  readonly receipt: SettleResponse;
  readonly at: number;
}

/** The identity of an authorization: no token accepts it twice. */
export function saleKey({ payer, nonce }: { payer: Address; nonce: Hex }): string {
  return `${payer}/${nonce}`.toLowerCase();
}

export function deliveredOf({
  state,
  answer,
  receipt,
  at,
}: Pick<SaleRecord<unknown>, "state" | "answer" | "receipt" | "at">): Delivered | undefined {
  return state === "settled" && answer && receipt ? { answer, receipt, at } : undefined;
}
