/** Of the offers of one 402, the one to pay: the cheapest that may be paid, and never simply the first. */
import type { OfferTerms } from "../protocol/offer.ts";
import { checkOffer, type Policy } from "./check-offer.ts";
import type { PaymentError } from "./payment-error.ts";
import type { Quote } from "./quote.ts";

/** The cheapest offer that may be paid; where there is none, throws the reason of the cheapest that may not. */
export function chooseOffer<T extends OfferTerms>(
  offers: readonly T[],
  quote: Quote,
  policy: Policy,
): T {
  // As a number a difference may be rounded, but it keeps its sign.
  const byPrice = offers.toSorted((a, b) => Number(a.amount - b.amount));
  let refusal: PaymentError | undefined;
  for (const offer of byPrice) {
    const problem = checkOffer(offer, quote, policy);
    if (!problem) return offer;
    refusal ??= problem;
  }
  throw refusal!;
}
