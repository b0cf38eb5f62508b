/**
 * The user that an account request is about, as far as the orchestrator attests it: the assertion is the signer's, for this provider,
 * fresh and used for the first time; it says the same as the request; the e-mail is verified and the user signed in a short while ago.
 */
import { type AccountRequest, verifyIdentityAssertion } from "../../protocol/index.ts";
import { ProvisioningError } from "./error.ts";
import type { Once } from "./once.ts";
import type { TrustedIssuer } from "./trust.ts";

export interface AttestedUserOptions {
  /** This provider's issuer: the only audience. */
  readonly publicUrl: string;
  readonly once: (once: Once) => boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** How long ago the user may have signed in with the orchestrator. */
export const MAX_AUTH_AGE_SECONDS = 3600;
/** Of clocks. */
const TOLERANCE_SECONDS = 5;

/** Throws `assertion_invalid`, `email_not_verified` or `reauthentication_required`. */
export async function checkAttestedUser(
  request: AccountRequest,
  signer: TrustedIssuer,
  { publicUrl, once, now }: AttestedUserOptions,
): Promise<void> {
  const { keys, issuer, clientId } = signer;
  const time = now();
  const check = { keys, issuer, audience: publicUrl, now: time };
  const claims = await verifyIdentityAssertion(request.identity_assertion, check).catch(
    (cause: unknown) => {
      throw invalid("is not one that the signer made for this provider, or it has ended", cause);
    },
  );
  const { sub, email, client_id, jti, exp, auth_time, email_verified } = claims;
  if (sub !== request.orchestrator.account) throw invalid("is about another user than the request");
  if (email.toLowerCase() !== request.email.toLowerCase())
    throw invalid("names another e-mail than the request");
  if (client_id !== clientId) throw invalid("names a client that is not the signer's");
  if (!once({ issuer, id: jti, until: exp * 1000, now: time })) throw invalid("was used before");
  if (!email_verified) {
    throw new ProvisioningError("email_not_verified", {
      problem: "The user's e-mail is not verified.",
      nextStep: "Verify it, and attest that it is.",
    });
  }
  const age = time / 1000 - auth_time;
  if (age > MAX_AUTH_AGE_SECONDS || age < -TOLERANCE_SECONDS) {
    throw new ProvisioningError("reauthentication_required", {
      problem: `The user signed in with the orchestrator more than ${MAX_AUTH_AGE_SECONDS / 60} minutes ago.`,
      nextStep: "Let the user sign in again, and attest when that was.",
    });
  }
}

function invalid(how: string, cause?: unknown): ProvisioningError {
  return new ProvisioningError("assertion_invalid", {
    problem: `The identity assertion ${how}.`,
    nextStep: "Send a fresh assertion of this very user for this provider alone.",
    cause,
  });
}
