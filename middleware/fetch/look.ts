/** What a request would cost, without a wallet: it goes out unpaid, and where a 402 comes back, the offers are read and no more. */
import type { MppOffer } from "../../protocol/mpp.ts";
import type { Offer } from "../../protocol/offer.ts";
import { readOffers } from "../read-offers.ts";
import { guardedFetch } from "./guarded-fetch.ts";
import { readChallenge } from "./read-challenge.ts";
import { type FetchInput, readRequest } from "./read-request.ts";
import { walkUnpaid } from "./unpaid-walk.ts";

export interface LookOptions {
  /** Servers on this machine and in private networks may be called. */
  readonly local?: boolean;
  readonly timeoutMs?: number;
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export type Look =
  /** It costs nothing: this is the answer, and the request has been made. */
  | { readonly kind: "free"; readonly response: Response }
  /** It asks for a payment, at this URL after any redirects. The offers are a stranger's words, the cheapest first. */
  | {
      readonly kind: "priced";
      readonly url: string;
      readonly offers: readonly (Offer | MppOffer)[];
    };

/** Throws what a paying fetch would refuse before it asks its policy, such as `CHALLENGE_INVALID` or `ADDRESS_NOT_ALLOWED`. */
export async function lookAtPrice(
  input: FetchInput,
  init: RequestInit = {},
  { local = false, timeoutMs, fetch = guardedFetch({ local }), now = Date.now }: LookOptions = {},
): Promise<Look> {
  const request = await readRequest(input, init);
  const walked = await walkUnpaid({ request, fetch, timeoutMs });
  if (walked.response.status !== 402) {
    walked.close();
    return { kind: "free", response: walked.response };
  }
  const offers = readOffers(await readChallenge(walked, request), walked.hop, now());
  const byPrice = offers.toSorted((a, b) => (a.amount < b.amount ? -1 : 1));
  return { kind: "priced", url: walked.hop.url, offers: byPrice };
}
