/** What whoever starts a provider decides: where it lives, whom it trusts, where its money goes, and its clock. */
import type { Address } from "viem";
import type { AfterFailure } from "../../middleware/index.ts";
import type { Asset } from "../../protocol/index.ts";
import type { Mailer } from "./consent/mail.ts";
import type { Crooked } from "./crooked.ts";

export interface ProviderOptions {
  /** Everything that the provider remembers lies here; opened again, it is as it was. */
  dir: string;
  /** The origin it is reached at, such as "http://127.0.0.1:4101"; signatures and receipts are bound to it. */
  publicUrl: string;
  facilitatorUrl: string;
  /** The recipient of every payment. */
  payTo: Address;
  /** Recipients of its own beside that one, which its catalog names too. */
  alsoPayTo?: readonly Address[] | undefined;
  /** The token that prices are asked in. */
  asset: Asset;
  /** The orchestrators whose word on a user's identity counts. */
  trust: readonly TrustedOrchestrator[];
  /** Milliseconds since the epoch. */
  now?: () => number;
  newId?: () => string;
  /**
   * What is owed where work fails after the money moved, such as `refundAmends(refunds)` of `purser/middleware`. By default the
   * amount is kept as the payer's credit, and their next purchase here that it covers is paid from it.
   */
  afterFailure?: AfterFailure | undefined;
  /** How the owner of an address is reached, to sign in; by default into files under `<dir>/mail/`. */
  mail?: Mailer | undefined;
  /** Attack scenarios only: this provider cheats. */
  crooked?: Crooked | undefined;
}

/** An orchestrator of ours, or Stripe itself. */
export type TrustedOrchestrator = StrictOrchestrator | StripeOrchestrator;

/** Stripe as it is: it signs by HMAC alone, so whoever has the secret is Stripe. */
interface StripeOrchestrator {
  profile: "stripe";
  /** What its users are kept under here. */
  issuer: string;
  clientId: string;
  secrets: readonly [string, ...string[]];
  /** Where its users come back to after consent. */
  redirectUri: string;
}

interface StrictOrchestrator {
  profile?: "strict";
  /** The `iss` of its signatures, such as "https://orchestrator.purser.localhost". */
  issuer: string;
  /** Its public keys: `{ public_keys: […] }` or a JWK set. */
  keysUrl: string;
  /** What both sides know, for `Stripe-Signature`; several while one is being changed. Where there are any, each request carries one. */
  secrets?: readonly string[];
  /** Its OAuth client here: a public client, which proves itself with PKCE. */
  clientId: string;
  /** Where its users come back to after consent; by default "/oauth/callback" beside `keysUrl`. */
  redirectUri?: string;
}
