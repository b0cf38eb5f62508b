/**
 * A refund returns to a payer what they paid for work that then failed. It is an authorization of the refund account's own, whose
 * nonce is made from the sale: the token takes it once, so that however often, and from however many processes, it is sent, the
 * money goes back once.
 */
import { type Address, type Hex, keccak256, stringToHex } from "viem";
import type { Asset } from "../../protocol/asset.ts";
import type { Authorization } from "../../protocol/transfer-authorization.ts";

/** What was paid for, as far as a refund has to know it. */
export interface RefundableSale {
  readonly payer: Address;
  /** Of the payer's authorization. */
  readonly nonce: Hex;
  /** Atomic units. */
  readonly amount: bigint;
  readonly asset: Asset;
  /** The settlement's. */
  readonly transaction: Hex;
}

export type RefundState =
  /** Nothing is signed: what will be signed is fixed. */
  | "owed"
  /** The signature is kept, and nobody else has it yet. */
  | "signed"
  /** The facilitator has been asked; only these bytes are ever sent again. */
  | "sent"
  /** The money is back. */
  | "settled";

export interface Refund {
  readonly state: RefundState;
  readonly sale: RefundableSale;
  readonly authorization: Authorization;
  readonly signature: Hex | undefined;
  /** The refund's own transaction, once it is settled. */
  readonly transaction: Hex | undefined;
  /** Why the last attempt came to nothing: a code of the facilitator's or the signer's. */
  readonly reason: string | undefined;
}

/** How long a signed refund can be used: what is owed does not lapse, and it is sent as the same bytes until it is settled. */
const REFUND_WINDOW_SECONDS = 365 * 24 * 3_600;

/** Over a signer's default limits: its window has to be as long as a refund's. */
export const REFUND_SIGNER_LIMITS = { maxWindowSeconds: REFUND_WINDOW_SECONDS } as const;

/** The identity of a sale, and so of its refund. */
export function refundKey({ payer, nonce }: Pick<RefundableSale, "payer" | "nonce">): string {
  return `${payer}/${nonce}`.toLowerCase();
}

/** What the refund account signs for a sale, and never anything else. `now` in milliseconds. */
export function refundAuthorization(
  sale: RefundableSale,
  from: Address,
  now: number,
): Authorization {
  const { payer: to, amount: value, asset } = sale;
  const identity = ["purser refund 1", asset.network, asset.address, refundKey(sale)];
  return {
    from,
    to,
    value,
    validAfter: 0n,
    validBefore: BigInt(Math.floor(now / 1_000) + REFUND_WINDOW_SECONDS),
    nonce: keccak256(stringToHex(identity.join("\n").toLowerCase())),
  };
}
