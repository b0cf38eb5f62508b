/**
 * From a reservation to a payment that may leave: the signer is asked, and the bytes are recorded as sent, durably, before anybody
 * gets them. Whatever fails before that record gives the amount back.
 */
import { type Authorization, encodePayment } from "../protocol/authorization.ts";
import { encodeMppPayment, type MppOffer } from "../protocol/mpp.ts";
import type { Offer } from "../protocol/offer.ts";
import type { Ledger, LedgerEntry } from "../store/index.ts";
import { type Policy, uncheckedPolicy } from "./check-offer.ts";
import type { Quote } from "./quote.ts";
import type { Signer } from "./signer/index.ts";

export interface SignEntryOptions {
  readonly ledger: Pick<Ledger, "markSent" | "release">;
  readonly signer: Signer;
  /** One that this caller has just reserved. */
  readonly entry: LedgerEntry;
  readonly offer: Offer | MppOffer;
  readonly quote: Quote;
  readonly policy: Policy;
}

export async function signEntry({
  ledger,
  signer,
  entry,
  offer,
  quote,
  policy,
}: SignEntryOptions): Promise<LedgerEntry> {
  const {
    purchase,
    provider,
    fingerprint,
    payTo: to,
    amount: value,
    validAfter,
    validBefore,
    nonce,
  } = entry;
  const from = signer.address;
  const authorization: Authorization = { from, to, value, validAfter, validBefore, nonce };
  try {
    const { network, asset, payTo, amount } = offer;
    const signature = await signer.sign({
      purchase,
      provider,
      quote: { ...agreed({ offer, quote, policy }), fingerprint },
      offer: { network, asset, payTo, amount },
      authorization,
    });
    const payment =
      "mpp" in offer
        ? encodeMppPayment(offer, authorization, signature)
        : encodePayment(offer, authorization, signature);
    return await ledger.markSent(nonce, payment);
  } catch (error) {
    // Not sent, so it can be given back; where even that fails, `recover` does it.
    await ledger.release(nonce, "NEVER_SENT").catch(() => undefined);
    throw error;
  }
}

/** What the signer holds the offer against; where offers are not checked, it is whatever was offered. */
function agreed({ offer, quote, policy }: Pick<SignEntryOptions, "offer" | "quote" | "policy">) {
  if (policy === uncheckedPolicy) return { payTo: [offer.payTo], maxAmount: offer.amount };
  return { payTo: quote.payTo, maxAmount: quote.maxAmount };
}
