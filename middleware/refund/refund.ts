/** What a payer paid for, as far as whoever makes it good has to know it. */
import type { Address, Hex } from "viem";
import type { Asset } from "../../protocol/asset.ts";

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

/** The identity of a sale. */
export function refundKey({ payer, nonce }: Pick<RefundableSale, "payer" | "nonce">): string {
  return `${payer}/${nonce}`.toLowerCase();
}
