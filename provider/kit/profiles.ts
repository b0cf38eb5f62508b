/**
 * How a counterpart speaks. `strict` is how our own do: a JWT over method, URL and body that holds once, an HMAC beside it where a secret
 * is shared, PKCE, a signed identity, a mandate, and the human's acceptance of the terms. `stripe` is APP 0.1d as Stripe itself speaks it:
 * the HMAC alone vouches for all of that. What it cannot say it cannot have: without a mandate nothing is sold to it.
 */
export interface ProfileRules {
  /** Requests carry `Stripe-Signature-V2`. */
  readonly jwt: boolean;
  /** Account requests carry an identity assertion, a mandate and a PKCE challenge. */
  readonly attested: boolean;
  /** The orchestrator's word is enough that the human accepted the terms. */
  readonly trustsTerms: boolean;
  /** What costs money can be sold to it. */
  readonly pays: boolean;
}

export const PROFILES = {
  strict: { jwt: true, attested: true, trustsTerms: false, pays: true },
  stripe: { jwt: false, attested: false, trustsTerms: true, pays: false },
} as const satisfies Record<string, ProfileRules>;

export type Profile = keyof typeof PROFILES;
