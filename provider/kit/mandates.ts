/** The mandates that orchestrators send: each must be the signer's own, for this provider, and of the project that it comes with. */
import { type MandateClaims, verifyMandate } from "../../protocol/index.ts";
import type { Connection, Connections } from "./connections.ts";
import { ProvisioningError } from "./error.ts";
import type { TrustedIssuer } from "./trust.ts";

interface MandateOptions {
  readonly providerId: string;
  readonly now: () => number;
}

/** Checks a mandate for this provider by the one who signed the request, or throws `mandate_invalid`. */
export async function readMandate(
  token: string,
  { keys, issuer }: TrustedIssuer,
  { providerId, now }: MandateOptions,
): Promise<MandateClaims> {
  return verifyMandate(token, { keys, issuer, audience: providerId, now: now() }).catch(
    (cause: unknown) => {
      throw new ProvisioningError("mandate_invalid", {
        problem: "The mandate is not one of the signer's for this provider, or it has expired.",
        nextStep: "Ask the orchestrator for a fresh mandate.",
        cause,
      });
    },
  );
}

/** Keeps the mandate that came with a call, if one did, or throws `mandate_invalid`. */
export async function renewMandate(
  mandate: string | undefined,
  { signer, connection }: { signer: TrustedIssuer; connection: Connection },
  options: MandateOptions & { readonly connections: Connections },
): Promise<void> {
  if (mandate === undefined) return;
  const claims = await readMandate(mandate, signer, options);
  if (claims.sub !== connection.project) {
    throw new ProvisioningError("mandate_invalid", {
      problem: "The mandate is another project's than the token.",
      nextStep: "Send the mandate of the project that the token was granted for.",
    });
  }
  options.connections.renewMandate(connection.accountId, claims);
}
