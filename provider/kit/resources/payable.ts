/**
 * Who can pay here. APP 0.1d has what costs money paid by `payment_credentials: { stripe_payment_token }`, which Stripe alone redeems, for
 * a merchant of its own; here a project pays within a signed mandate, which that profile has no place for. So nothing is sold to it, by the
 * code that is published for an order without credentials.
 */
import { ProvisioningError } from "../error.ts";
import { PROFILES } from "../profiles.ts";
import type { Call } from "./parts.ts";

/** Throws `requires_payment_credentials`, before any price is asked. */
export function checkPayable({ signer }: Pick<Call, "signer">): void {
  if (PROFILES[signer.profile].pays) return;
  throw new ProvisioningError("requires_payment_credentials", {
    problem:
      "This costs money, and Stripe's payment tokens cannot be redeemed here; other credentials the request has no place for.",
    nextStep: "Add a free service, or buy as an orchestrator that gives a signed mandate.",
  });
}
