/**
 * From a reservation to a payment that may leave: the signer is asked while the reservation goes to the disk, and the bytes are recorded
 * as sent before anybody gets them. Whatever fails before that record gives the amount back. What a power failure has taken of the bytes
 * can be made again from the reservation, as long as the seller's challenge does not go into them (x402); where it does (MPP), they are
 * on the disk first.
 */
import { encodePayment } from "../protocol/authorization.ts";
import { encodeMppPayment, type MppOffer } from "../protocol/mpp.ts";
import type { Offer } from "../protocol/offer.ts";
import type { Ledger, LedgerEntry } from "../store/index.ts";
import { type Policy, uncheckedPolicy } from "./check-offer.ts";
import { PaymentError } from "./payment-error.ts";
import type { Quote } from "./quote.ts";
import type { Signer, SignIntent } from "./signer/index.ts";
import { signerRefused } from "./signer/signer-refusal.ts";

export interface SignEntryOptions {
  readonly ledger: Pick<Ledger, "sync" | "markSent" | "markUnknown" | "release" | "keepPayment">;
  readonly signer: Signer;
  /** One that this caller has just reserved. */
  readonly entry: LedgerEntry;
  readonly offer: Offer | MppOffer;
  readonly quote: Quote;
  readonly policy: Policy;
  /** No window of this wallet's is longer. */
  readonly maxTimeoutSeconds: number;
}

/** What an authorization is asked for with, whether its reservation stands already or is being made. */
export type IntentTerms = Pick<
  LedgerEntry,
  | "purchase"
  | "provider"
  | "fingerprint"
  | "payTo"
  | "amount"
  | "validAfter"
  | "validBefore"
  | "nonce"
>;

export function intentOf(
  { purchase, provider, fingerprint, payTo: to, amount: value, ...rest }: IntentTerms,
  { signer, offer, quote, policy }: Pick<SignEntryOptions, "signer" | "offer" | "quote" | "policy">,
): SignIntent {
  const { validAfter, validBefore, nonce } = rest;
  const { network, asset, payTo, amount } = offer;
  return {
    purchase,
    provider,
    quote: { ...agreed({ offer, quote, policy }), fingerprint },
    offer: { network, asset, payTo, amount },
    authorization: { from: signer.address, to, value, validAfter, validBefore, nonce },
  };
}

export async function signEntry(options: SignEntryOptions): Promise<LedgerEntry> {
  const { ledger, signer, entry, offer } = options;
  const intent = intentOf(entry, options);
  const isMpp = "mpp" in offer;
  try {
    const [signature] = await Promise.all([signer.sign(intent), isMpp || ledger.sync()]);
    const payment = isMpp
      ? encodeMppPayment(offer, intent.authorization, signature)
      : encodePayment(offer, intent.authorization, signature);
    return await ledger.markSent(entry.nonce, payment, { sync: isMpp });
  } catch (error) {
    // Not sent, so it can be given back; where even that fails, `recover` does it. What was signed for this nonce before, in a time
    // that this book has lost, may have left: it counts until the chain has proven it dead.
    const ended = isSignedBefore(error)
      ? ledger.markUnknown(entry.nonce, lastWindow(options))
      : ledger.release(entry.nonce, "NEVER_SENT");
    await ended.catch(() => undefined);
    throw error;
  }
}

/**
 * The bytes of a payment that may be out and of which the book has none: a power failure took them. The signer signs for a nonce what it
 * has signed before, and nothing else, so they are the same again; otherwise it throws what the signer throws.
 */
export async function signAgain(
  options: Omit<SignEntryOptions, "maxTimeoutSeconds">,
): Promise<LedgerEntry> {
  const { ledger, signer, entry, offer } = options;
  if ("mpp" in offer) throw signerRefused("NONCE");
  const intent = intentOf(entry, options);
  const signature = await signer.sign(intent);
  return ledger.keepPayment(entry.nonce, encodePayment(offer, intent.authorization, signature));
}

/** Unix seconds; what was signed earlier, for an offer of whatever time-out, is over by then. */
function lastWindow({ entry, offer, maxTimeoutSeconds }: SignEntryOptions): bigint {
  return entry.validBefore + BigInt(Math.max(0, maxTimeoutSeconds - offer.maxTimeoutSeconds));
}

function isSignedBefore(error: unknown): boolean {
  return error instanceof PaymentError && error.details?.["rule"] === "NONCE";
}

/** What the signer holds the offer against; where offers are not checked, it is whatever was offered. */
function agreed({ offer, quote, policy }: Pick<SignEntryOptions, "offer" | "quote" | "policy">) {
  if (policy === uncheckedPolicy) return { payTo: [offer.payTo], maxAmount: offer.amount };
  return { payTo: quote.payTo, maxAmount: quote.maxAmount };
}
