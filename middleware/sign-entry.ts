/**
 * From a reservation to a payment that may leave: the signer is asked while the reservation goes to the disk, and the bytes are recorded
 * as sent before anybody gets them. Whatever fails before that record gives the amount back.
 */
import { encodePayment } from "../protocol/authorization.ts";
import { encodeMppPayment, type MppOffer } from "../protocol/mpp.ts";
import type { Offer } from "../protocol/offer.ts";
import type { Ledger, LedgerEntry } from "../store/index.ts";
import { type Policy, uncheckedPolicy } from "./check-offer.ts";
import { PaymentError } from "./payment-error.ts";
import type { Quote } from "./quote.ts";
import type { Signer, SignIntent } from "./signer/index.ts";

export interface SignEntryOptions {
  readonly ledger: Pick<Ledger, "sync" | "markSent" | "markUnknown" | "release">;
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
  try {
    const [signature] = await Promise.all([signer.sign(intent), ledger.sync()]);
    const payment =
      "mpp" in offer
        ? encodeMppPayment(offer, intent.authorization, signature)
        : encodePayment(offer, intent.authorization, signature);
    return await ledger.markSent(entry.nonce, payment);
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
