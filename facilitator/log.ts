/**
 * What a facilitator tells its operator: one event for each thing that happened, with facts that are public on the chain and
 * never a payload or a signature. Nothing is said unless somebody listens.
 */
import type { Address, Hex } from "viem";
import type { RefusalReason } from "./refusal.ts";

export type FacilitatorEvent =
  | { event: "verified"; payer: Address; amount: string }
  | { event: "refused"; call: "verify" | "settle"; reason: RefusalReason; payer?: Address }
  | { event: "settled"; payer: Address; payTo: Address; amount: string; transaction: Hex }
  /** A transaction left; `payments` are in it. */
  | { event: "sent"; account: Address; nonce: number; transaction: Hex; payments: number }
  /** The same nonce again, because the chain would not have it at the old fee or forgot it. */
  | { event: "sent_again"; account: Address; nonce: number; transaction: Hex; maxFeePerGas: string }
  /** A transaction is over: mined, or its nonce was used by another one. */
  | { event: "concluded"; account: Address; nonce: number; outcome: "mined" | "displaced" }
  /** The chain did not take a transaction. */
  | { event: "not_taken"; account: Address; nonce: number; detail: string };

/** Must not throw. */
export type FacilitatorLog = (event: FacilitatorEvent) => void;
