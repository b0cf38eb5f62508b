/**
 * The offer of a purchase order: what the buyer's side chose from the 402, as the server wrote it. The wallet's side reads it anew, for
 * the request that it computed itself, so that nothing the buyer's side says of price, payee or resource is believed.
 */
import { z } from "zod";
import { CHALLENGE_LIMITS, ChallengeError, type Offer, readOffer } from "./offer.ts";
import { type MppOffer, readMppOffer } from "./mpp.ts";

/** An entry of `accepts` (x402 v1, x402 v2), or the parameters of a `WWW-Authenticate: Payment` (MPP). */
export const OrderedOffer = z.union([
  z.object({
    x402Version: z.union([z.literal(1), z.literal(2)]),
    raw: z.record(z.string(), z.json()),
    resource: z.string().max(4096).optional(),
  }),
  z.object({
    mpp: z.record(z.string().max(64), z.string().max(CHALLENGE_LIMITS.headerCharacters)),
  }),
]);
export type OrderedOffer = z.output<typeof OrderedOffer>;

/** An offer as an order carries it. */
export function orderOffer(offer: Offer | MppOffer): OrderedOffer {
  if ("mpp" in offer) return { mpp: offer.mpp as Record<string, string> };
  const { x402Version, raw, resource } = offer;
  return {
    x402Version,
    raw: raw as Record<string, never>,
    ...(resource === undefined ? {} : { resource }),
  };
}

/** Reads it for the request to `url`, at `now` (milliseconds); throws `CHALLENGE_INVALID`. */
export function readOrderedOffer(
  offer: OrderedOffer,
  { url, now }: { readonly url: string; readonly now: number },
): Offer | MppOffer {
  if (!("mpp" in offer)) return readOffer(offer);
  const read = readMppOffer(offer.mpp, { url, now });
  if (read) return read;
  throw new ChallengeError("CHALLENGE_INVALID", {
    problem: "The offer cannot be read.",
    nextStep: "Treat the answer as a failure and do not pay.",
  });
}
