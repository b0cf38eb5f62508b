/** Every offer of one 402, in whichever of the three protocols it stands: x402 v2, x402 v1 and MPP, also all of them in one answer. */
import { mppHeader, type MppOffer, parseMppChallenges } from "../../protocol/mpp.ts";
import { type Offer, parseChallenge, ChallengeError } from "../../protocol/offer.ts";
import { PaymentError } from "../payment-error.ts";
import { type Answer, readAnswer } from "../read-answer.ts";
import type { ReadRequest } from "./read-request.ts";
import type { Hop, WalkEnd } from "./unpaid-walk.ts";

/** The 402 whole, or `ANSWER_UNREADABLE`; the caller's abort is thrown as it is. */
export async function readChallenge(
  { hop: { url }, response, close }: WalkEnd,
  { signal }: Pick<ReadRequest, "signal">,
): Promise<Answer> {
  try {
    return await readAnswer(response);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new PaymentError("ANSWER_UNREADABLE", {
      problem: `${url} asks for a payment in an answer that cannot be read whole.`,
      nextStep: "Nothing was paid. Treat the answer as a failure.",
      cause,
    });
  } finally {
    close();
  }
}

/**
 * The offers, those of x402 first: where prices are equal, its nonce is derived from the purchase, so that the chain too allows one
 * charge for it. Throws `CHALLENGE_INVALID`, `CHALLENGE_TOO_LARGE`, or `OFFER_HEADER`.
 */
export function readOffers(
  { response, text }: Answer,
  { url, headers }: Hop,
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
