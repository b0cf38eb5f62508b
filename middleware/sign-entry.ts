/**
 * From a reservation to a payment that may leave: reserved as sent, it goes to the disk while the signer works, and only then does anybody
 * get its bytes. Whatever fails before that gives the amount back. The bytes are kept while they are on their way; what a kill has taken
 * of them in between is made again from the reservation, as long as the seller's challenge does not go into them (x402). Where it does
 * (MPP), they are on the disk first.
 */
import { encodePayment } from "../protocol/authorization.ts";
import { encodeMppPayment, type MppOffer } from "../protocol/mpp.ts";
import type { Offer } from "../protocol/offer.ts";
import { Secret } from "../protocol/secret.ts";
import type { Ledger, LedgerEntry } from "../store/index.ts";
import { type Policy, uncheckedPolicy } from "./check-offer.ts";
import { PaymentError } from "./payment-error.ts";
import type { Quote } from "./quote.ts";
import type { Signer, SignIntent } from "./signer/index.ts";
import { signerRefused } from "./signer/signer-refusal.ts";

export interface SignEntryOptions {
  readonly ledger: Pick<
    Ledger,
    "markSent" | "synced" | "markUnknown" | "withdraw" | "keepSent" | "keepPayment"
  >;
  readonly signer: Signer;
  /** One that this caller has just reserved. */
  readonly entry: LedgerEntry;
  readonly offer: Offer | MppOffer;
  readonly quote: Pick<Quote, "payTo" | "maxAmount">;
  readonly policy: Policy;
  /** No window of this wallet's is longer. */
  readonly maxTimeoutSeconds: number;
}

function intentOf(
  { purchase, provider, fingerprint, payTo: to, amount: value, ...rest }: LedgerEntry,
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
  const { nonce } = entry;
  const intent = intentOf(entry, options);
  try {
    if ("mpp" in offer) {
      const signature = await signer.sign(intent);
      return await ledger.markSent(nonce, encodeMppPayment(offer, intent.authorization, signature));
    }
    const [signature] = await bothEnded(signer.sign(intent), ledger.synced());
    const payment = encodePayment(offer, intent.authorization, signature);
    // Nobody waits for it: until the bytes are kept, they can be made again.
    ledger.keepSent(nonce, payment).catch(() => undefined);
    return { ...entry, payment: new Secret(payment) };
  } catch (error) {
    // Handed out to nobody, so it can be given back; where even that fails, recovery ends it. What was signed for this nonce before, in a
    // time that this book has lost, may have left: it counts until the chain has proven it dead.
    const ended = isSignedBefore(error)
      ? ledger.markUnknown(nonce, lastWindow(options))
      : ledger.withdraw(nonce);
    await ended.catch(() => undefined);
    throw error;
  }
}

/** What both come to, or why the first of them that failed did; nothing is given back while the other is still at it. */
async function bothEnded<A, B>(...both: [Promise<A>, Promise<B>]): Promise<[A, B]> {
  await Promise.allSettled(both);
  return Promise.all(both);
}

/**
 * The bytes of a payment that may be out and of which the book has none: a kill or a power failure took them. The signer signs for a
 * nonce what it has signed before, and nothing else, so they are the same again; otherwise it throws what the signer throws.
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
