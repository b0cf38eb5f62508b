/**
 * Asks the facilitator to settle a payment whose first settlement nobody knows the end of. Settling is idempotent: what was
 * settled already is answered with the same transaction.
 */
import { isHash, type Hex } from "viem";
import { SettleResponse } from "../../protocol/authorization.ts";
import { requirementsFor } from "./requirements.ts";
import type { SaleRecord } from "./sale-records.ts";

export type SettleOutcome =
  | { readonly state: "settled"; readonly transaction: Hex; readonly response: SettleResponse }
  /** The facilitator says that it does not settle it, and why. It may still do so later, until the payment's window closes. */
  | { readonly state: "refused"; readonly reason: string; readonly response: SettleResponse }
  /** Nobody knows; `response` is what the facilitator said, where it said anything. */
  | { readonly state: "unknown"; readonly response?: SettleResponse };

/** Reasons that say nothing about the payment. */
const UNDECIDED = new Set([
  "settlement_pending",
  "unexpected_settle_error",
  "unexpected_verify_error",
]);

export async function settleAgain(
  facilitatorUrl: string,
  { x402Version, payload, sale, description, asked }: SaleRecord<unknown>,
  timeoutMs: number,
): Promise<SettleOutcome> {
  const paymentRequirements = requirementsFor(x402Version, { ...sale, description }, asked);
  try {
    const answer = await fetch(`${facilitatorUrl.replace(/\/$/, "")}/settle`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ x402Version, paymentPayload: payload, paymentRequirements }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    return readOutcome(answer.ok, SettleResponse.safeParse(await answer.json()).data);
  } catch {
    return { state: "unknown" };
  }
}

/** What a settlement's answer says; anything that is not clear is unknown. */
export function readOutcome(ok: boolean, response: SettleResponse | undefined): SettleOutcome {
  const { success, transaction = "", errorReason = "" } = response ?? { success: false };
  if (response && success && isHash(transaction))
    return { state: "settled", transaction, response };
  if (response && ok && !success && errorReason !== "" && !UNDECIDED.has(errorReason)) {
    return { state: "refused", reason: errorReason, response };
  }
  return response ? { state: "unknown", response } : { state: "unknown" };
}

/** Whether a facilitator's reason leaves open what is with the payment. */
export function saysNothing(reason: string): boolean {
  return UNDECIDED.has(reason);
}
