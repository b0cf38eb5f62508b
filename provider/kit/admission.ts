/**
 * Whether there is an account for an orchestrator's user, or one is made, or its owner has to be asked: nobody gets into an account by
 * its e-mail alone, and without the terms nothing is made.
 */
import type { Database } from "../../store/index.ts";
import { type Asked, readSettings } from "./account-request.ts";
import type { Account, Accounts } from "./accounts.ts";
import type { Consents } from "./consents.ts";
import type { JsonSchema } from "./definition.ts";
import { ProvisioningError } from "./error.ts";
import { PROFILES } from "./profiles.ts";
import type { TrustedIssuer } from "./trust.ts";

export interface AdmissionOptions {
  termsVersion: string;
  publicUrl: string;
  accountConfiguration: JsonSchema | undefined;
  accounts: Accounts;
  consents: Consents;
  database: Database;
  now: () => number;
  newId: () => string;
}

/** The terms come before the account: without them nothing is made. */
export function admit(
  request: Asked,
  { issuer, profile }: TrustedIssuer,
  scopes: string,
  options: AdmissionOptions,
): Account | "consent_needed" {
  const { accounts, consents, database, termsVersion, publicUrl, now, newId } = options;
  const identity = { issuer, subject: request.orchestrator.account };
  const known = accounts.findLinked(identity);
  const accepted =
    PROFILES[profile].trustsTerms ||
    request.terms?.version === termsVersion ||
    (known !== undefined && accounts.hasAccepted(known.id, termsVersion));
  if (!accepted) {
    throw new ProvisioningError("tos_acceptance_required", {
      problem: `The human has not accepted version ${termsVersion} of the terms.`,
      nextStep: "Show the human the terms, and send the evidence of their acceptance.",
      details: { tos_url: `${publicUrl}/terms`, tos_version: termsVersion },
    });
  }
  // One that exists keeps what it was set up with.
  const configuration = known?.configuration ?? readSettings(request, options.accountConfiguration);
  const name = request.name ?? request.email;
  const accountId = () => newId().replaceAll("-", "");
  return database.transaction(() => {
    const at = now();
    const user = {
      ...identity,
      email: request.email,
      name,
      configuration,
      now: at,
      newId: accountId,
    };
    const admission = accounts.admit(user);
    if (admission.kind === "consent_needed") return admission.kind;
    const { account } = admission;
    const asked = { ...identity, accountId: account.id, agent: request.agent?.id ?? "", scopes };
    const agentName = request.agent?.name ?? "";
    if (admission.kind === "created") consents.give({ ...asked, agentName, at });
    // Each agent, and each further scope, is the owner's to allow.
    return consents.covers(asked) ? account : "consent_needed";
  });
}
