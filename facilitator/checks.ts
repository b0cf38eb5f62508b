/**
 * What must hold of a payment, as a visible list of small checks in order: the first that fails names the refusal. All are
 * local; what the chain says has been read before.
 */
import type { PayerState } from "./payer-state.ts";
import type { Payment } from "./payment.ts";
import { Refusal, type RefusalReason } from "./refusal.ts";
import { isForUndeployed } from "./signature.ts";

type Check = (payment: Payment, state: PayerState) => RefusalReason | undefined;

/** Seconds that must be left to settle in, when a seller asks before it does its work (as `@x402/evm` has it). */
const MARGIN_SECONDS = 6n;

/** What the payer signed is what the seller asks. A payment that was settled long ago passes this too. */
const TERMS: readonly ((payment: Payment) => RefusalReason | undefined)[] = [
  ({ signature }) => (isForUndeployed(signature) ? "eip6492_factory_not_allowed" : undefined),
  ({ authorization, offer }) =>
    authorization.to === offer.payTo ? undefined : "invalid_exact_evm_payload_recipient_mismatch",
  // Exactly, in both versions: x402 v1 would take more, and nobody wants to give it.
  ({ authorization, offer }) =>
    authorization.value === offer.amount
      ? undefined
      : "invalid_exact_evm_payload_authorization_value_mismatch",
];

const unused: Check = (_, { used }) => (used ? "invalid_exact_evm_nonce_already_used" : undefined);
const started: Check = ({ authorization }, { time }) =>
  time > authorization.validAfter
    ? undefined
    : "invalid_exact_evm_payload_authorization_valid_after";
const funded: Check = ({ authorization }, { balance }) =>
  balance >= authorization.value ? undefined : "insufficient_funds";
const lasts =
  (seconds: bigint): Check =>
  ({ authorization }, { time }) =>
    time + seconds < authorization.validBefore
      ? undefined
      : "invalid_exact_evm_payload_authorization_valid_before";

/** The payment could be settled now, and a little later too. */
const VERIFIABLE: readonly Check[] = [unused, started, lasts(MARGIN_SECONDS), funded];

/** The payment can be settled now. */
const SETTLEABLE: readonly Check[] = [unused, started, lasts(0n), funded];

/** Each throws the `Refusal` of the first check that fails. */
export function requireTerms(payment: Payment): void {
  requireNone(firstReason(TERMS, payment, undefined), payment);
}

export function requireSigned(payment: Payment, { isSigned }: PayerState): void {
  requireNone(isSigned ? undefined : "invalid_exact_evm_payload_signature", payment);
}

export function requireVerifiable(payment: Payment, state: PayerState): void {
  requireNone(firstReason(VERIFIABLE, payment, state), payment);
}

/** Why the payment cannot be settled now, or undefined. */
export function unsettleable(payment: Payment, state: PayerState): RefusalReason | undefined {
  return firstReason(SETTLEABLE, payment, state);
}

function requireNone(reason: RefusalReason | undefined, payment: Payment): void {
  if (reason) throw new Refusal(reason, payment.authorization.from);
}

function firstReason<State>(
  checks: readonly ((payment: Payment, state: State) => RefusalReason | undefined)[],
  payment: Payment,
  state: State,
): RefusalReason | undefined {
  for (const check of checks) {
    const reason = check(payment, state);
    if (reason) return reason;
  }
  return undefined;
}
