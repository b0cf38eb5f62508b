/**
 * The facilitator as the paywall sees it: two questions, and answers that are read once, here. An object in the same process
 * (`createFacilitator` of `purser/facilitator` is one) or a URL; either way no call outlasts its deadline, and what is not
 * clearly said is not known.
 */
import { type Hex, isHash } from "viem";
import { z } from "zod";
import { SettleResponse } from "../../protocol/authorization.ts";
import type { Database } from "../../store/index.ts";
import { httpFacilitator } from "./http-facilitator.ts";

/** What both are asked: a payer's decoded payment, and the terms that it is for, as one entry of `accepts`. */
export interface FacilitatorRequest {
  readonly x402Version: 1 | 2;
  readonly paymentPayload: object;
  readonly paymentRequirements: object;
}

/**
 * Verifies and settles; `createFacilitator` of `purser/facilitator` makes one, and `x402Facilitator` of `@x402/core` is one. What it
 * throws says nothing about the payment.
 */
export interface PaywallFacilitator {
  /** Answers `{ isValid, invalidReason?, payer? }` (x402 specification v2, section 7). */
  verify(payload: unknown, requirements: unknown): Promise<unknown>;
  /** Answers `{ success, transaction, network, payer?, errorReason? }`; settling again must answer the same. */
  settle(payload: unknown, requirements: unknown): Promise<unknown>;
  /**
   * The database whose log it brings to the disk before it moves any money. Where that is the paywall's own, what the paywall has
   * recorded before it asks is on the disk by then, and needs no sync of its own.
   */
  readonly syncs?: Database;
}

/** One that is told who asks: for a facilitator that settles for the first asker alone. */
export interface NamedFacilitator extends PaywallFacilitator {
  settleAs(name: string, payload: unknown, requirements: unknown): Promise<unknown>;
}

export type Verdict =
  | { readonly state: "valid" }
  | { readonly state: "refused"; readonly reason: string }
  /** Nobody has said that the payment is bad. */
  | { readonly state: "unknown" };

export type SettleOutcome =
  | { readonly state: "settled"; readonly transaction: Hex; readonly response: SettleResponse }
  /** The facilitator says that it does not settle it, and why. It may still do so later, until the payment's window closes. */
  | { readonly state: "refused"; readonly reason: string; readonly response: SettleResponse }
  /** Nobody knows; `response` is what the facilitator said, where it said anything. */
  | { readonly state: "unknown"; readonly response?: SettleResponse };

/** What the core asks; never rejects. */
export interface FacilitatorCalls {
  verify(request: FacilitatorRequest, payer: string): Promise<Verdict>;
  /** `name` is asked for where it is told. */
  settle(request: FacilitatorRequest, name: () => string): Promise<SettleOutcome>;
}

/** Reasons that say nothing about the payment. */
const UNDECIDED = new Set([
  "settlement_pending",
  "unexpected_settle_error",
  "unexpected_verify_error",
]);
const CODE = /^[a-z][a-z0-9_]{2,80}$/;
const VerifyAnswer = z.looseObject({
  isValid: z.boolean(),
  invalidReason: z.string().optional(),
  payer: z.string().optional(),
});

export function facilitatorCalls(
  facilitator: string | PaywallFacilitator,
  timeoutMs: number,
): FacilitatorCalls {
  const named = typeof facilitator === "string" ? httpFacilitator(facilitator) : undefined;
  const port = named ?? (facilitator as PaywallFacilitator);
  const ask = (call: () => Promise<unknown>) => within(timeoutMs, call);
  const settle = (name: () => string, payload: object, requirements: object) =>
    named ? named.settleAs(name(), payload, requirements) : port.settle(payload, requirements);
  return {
    async verify({ paymentPayload, paymentRequirements }, payer) {
      return readVerdict(await ask(() => port.verify(paymentPayload, paymentRequirements)), payer);
    },
    async settle({ paymentPayload, paymentRequirements }, name) {
      return readOutcome(await ask(() => settle(name, paymentPayload, paymentRequirements)));
    },
  };
}

/** What it said within the time; undefined where it was late, or threw. */
export async function within<T>(ms: number, call: () => Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([call(), late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** A yes for another payer is no yes. Only a code is passed on: whatever else it wrote is for the operator. */
function readVerdict(answer: unknown, payer: string): Verdict {
  const { data } = VerifyAnswer.safeParse(answer);
  if (!data) return { state: "unknown" };
  if (data.isValid) {
    const isOther = data.payer !== undefined && data.payer.toLowerCase() !== payer.toLowerCase();
    return isOther ? { state: "unknown" } : { state: "valid" };
  }
  return readReason(data.invalidReason);
}

/** A reason that says something about the payment. */
export function readReason(reason: unknown): Verdict {
  const isCode = typeof reason === "string" && CODE.test(reason) && !UNDECIDED.has(reason);
  return isCode ? { state: "refused", reason } : { state: "unknown" };
}

/** What a settlement's answer says; anything that is not clear is unknown. */
export function readOutcome(answer: unknown): SettleOutcome {
  const { data } = SettleResponse.safeParse(answer);
  if (!data) return { state: "unknown" };
  const { success, transaction = "", network, payer, errorReason = "" } = data;
  // Nothing else that a facilitator adds is the buyer's to read.
  const response: SettleResponse = { success, transaction, network, payer };
  if (success) {
    return isHash(transaction)
      ? { state: "settled", transaction, response }
      : { state: "unknown", response };
  }
  const told = { ...response, errorReason: CODE.test(errorReason) ? errorReason : "unknown" };
  const verdict = readReason(errorReason);
  return verdict.state === "refused"
    ? { state: "refused", reason: verdict.reason, response: told }
    : { state: "unknown", response: told };
}
