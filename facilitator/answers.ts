/** The answers of `/verify`, `/settle` and `/supported`, the same for x402 v1 and v2 (specification v2, section 7). */
import type { Address } from "viem";
import { REFUSALS, type RefusalReason } from "./refusal.ts";

/** The answer of `/verify`, for both versions. */
export interface VerifyAnswer {
  isValid: boolean;
  payer?: string;
  invalidReason?: RefusalReason;
  invalidMessage?: string;
}

/** The answer of `/settle`, for both versions. */
export interface SettleAnswer {
  success: boolean;
  /** Empty when none was sent. */
  transaction: string;
  network: string;
  payer?: string;
  /** Atomic units. */
  amount?: string;
  errorReason?: RefusalReason;
  errorMessage?: string;
}

/** The answer of `/supported`. */
export interface SupportedAnswer {
  kinds: { x402Version: 1 | 2; scheme: "exact"; network: string }[];
  extensions: string[];
  signers: Record<string, string[]>;
}

export function refusedVerify(reason: RefusalReason, payer?: Address): VerifyAnswer {
  const answer = { isValid: false, invalidReason: reason, invalidMessage: REFUSALS[reason] };
  return payer === undefined ? answer : { ...answer, payer };
}

export interface RefusedSettlement {
  reason: RefusalReason;
  /** The chain's own words, where it has any. */
  detail?: string | undefined;
  /** Where one was sent. */
  transaction?: string | undefined;
  network: string;
  payer?: Address | undefined;
}

export function refusedSettle(refused: RefusedSettlement): SettleAnswer {
  const { reason, detail, transaction = "", network, payer } = refused;
  const text = REFUSALS[reason];
  const errorMessage = detail === undefined ? text : `${text} (${detail})`;
  const answer = { success: false, errorReason: reason, errorMessage, transaction, network };
  return payer === undefined ? answer : { ...answer, payer };
}
