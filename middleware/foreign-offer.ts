/** An offer in a token that this wallet does not hold: its book is of one chain and one token, and counts nothing else. */
import type { Asset } from "../protocol/asset.ts";
import type { OfferTerms } from "../protocol/offer.ts";
import { PaymentError } from "./payment-error.ts";

/** What is wrong with it, or undefined. */
export function findForeign({ network, asset }: OfferTerms, own: Asset): PaymentError | undefined {
  if (network === own.network && asset.toLowerCase() === own.address.toLowerCase())
    return undefined;
  return new PaymentError("OFFER_ASSET", {
    problem: `The offer wants ${asset} on ${network}, and this wallet holds ${own.symbol} on ${own.network}.`,
    nextStep: "Nothing was paid. Choose an offer in the wallet's own token.",
  });
}
