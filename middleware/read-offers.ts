/** Every offer of one 402, in whichever of the three protocols it stands: x402 v2, x402 v1 and MPP, also all of them in one answer. */
import { mppHeader, type MppOffer, parseMppChallenges } from "../protocol/mpp.ts";
import { type Offer, parseChallenge, ChallengeError } from "../protocol/offer.ts";
import { PaymentError } from "./payment-error.ts";
import type { Answer } from "./read-answer.ts";

/**
 * The offers, those of x402 first: where prices are equal, its nonce is derived from the purchase, so that the chain too allows one
 * charge for it. Throws `CHALLENGE_INVALID`, `CHALLENGE_TOO_LARGE`, or `OFFER_HEADER`.
 */
export function readOffers(
  { response, text }: Answer,
  { url, headers }: { readonly url: string; readonly headers: Headers },
  now: number,
): (Offer | MppOffer)[] {
  const header = response.headers.get("WWW-Authenticate");
  const all = parseMppChallenges({ header, url, now });
  // The request has a use of its own for that header, and what the caller set is not taken away.
  const mpp = all.filter(({ mpp: challenge }) => !headers.has(mppHeader(challenge)));
  const x402 = readX402({ response, text }, all.length > 0);
  if (mpp.length > 0 || x402.length > 0) return [...x402, ...mpp];
  throw new PaymentError("OFFER_HEADER", {
    problem: `${url} wants its payment in the Authorization header, which the request has a use of its own for.`,
    nextStep: "Nothing was paid. The provider can ask for it in Payment-Authorization.",
  });
}

function readX402({ response, text: body }: Answer, hasOther: boolean): Offer[] {
  try {
    return parseChallenge({ header: response.headers.get("PAYMENT-REQUIRED"), body });
  } catch (error) {
    if (hasOther && error instanceof ChallengeError && error.code === "CHALLENGE_INVALID")
      return [];
    throw error;
  }
}
