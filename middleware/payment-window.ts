/** When a payment may be settled: a short time, open by the chain's clock as well as by ours. */
import type { MppOffer } from "../protocol/mpp.ts";
import type { Offer } from "../protocol/offer.ts";

export interface PaymentWindow {
  /** Unix seconds. */
  readonly validAfter: bigint;
  readonly validBefore: bigint;
}

export interface PaymentWindowOptions {
  readonly offer: Offer | MppOffer;
  /** Unix seconds, by our clock and by the chain's. */
  readonly clocks: readonly [bigint, bigint];
  /** The server's wish is cut down to this. */
  readonly maxTimeoutSeconds: number;
}

/** How far `validAfter` lies in the past, for clocks that are not the chain's. */
const BACKDATE_SECONDS = 600n;

export function paymentWindow({
  offer,
  clocks: [ours, chains],
  maxTimeoutSeconds,
}: PaymentWindowOptions): PaymentWindow {
  const [earlier, later] = ours < chains ? [ours, chains] : [chains, ours];
  const seconds = BigInt(Math.min(offer.maxTimeoutSeconds, maxTimeoutSeconds));
  const validAfter = earlier > BACKDATE_SECONDS ? earlier - BACKDATE_SECONDS : 0n;
  const validBefore = later + seconds;
  const expires = "mpp" in offer ? offer.expires : undefined;
  return {
    validAfter,
    validBefore: expires !== undefined && expires < validBefore ? expires : validBefore,
  };
}
