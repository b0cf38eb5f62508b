/**
 * `POST /provisioning/account_requests`: an orchestrator attests who its user is, and the user gets an account, or the code for
 * the one they have. Nobody gets into an account by its e-mail alone: a first link needs the owner's consent.
 * A refusal has the typed envelope and a fitting status (APP 0.1d does not say which).
 */
import { randomBytes } from "node:crypto";
import { Router } from "express";
import type {
  AccountRequest,
  AccountResponse,
  MandateClaims,
  RequiresAuth,
} from "../../protocol/index.ts";
import { type Asked, projectOf, readAccountRequest, readScopes } from "./account-request.ts";
import type { SignedEvidence } from "./accounts.ts";
import { admit, type AdmissionOptions } from "./admission.ts";
import { type AttestedUserOptions, checkAttestedUser } from "./attested-user.ts";
import type { Connections } from "./connections.ts";
import { PENDING_MS, type PendingRequests } from "./consent/pending-requests.ts";
import { ENVELOPES, ProvisioningError, sendError } from "./error.ts";
import { readMandate } from "./mandates.ts";
import type { OAuth } from "./oauth.ts";
import { PROFILES } from "./profiles.ts";
import { evidenceOf, signerOf } from "./signed-requests.ts";
import type { TrustedIssuer } from "./trust.ts";

export interface AccountRequestsOptions extends AdmissionOptions {
  providerId: string;
  connections: Connections;
  oauth: OAuth;
  pending: PendingRequests;
  /** For assertions. */
  once: AttestedUserOptions["once"];
}

/** The endpoint; the signed-request gate stands before it. */
export function accountRequests(options: AccountRequestsOptions): Router {
  const router = Router();
  router.post("/provisioning/account_requests", async (request, response) => {
    try {
      response.json(await answer(evidenceOf(request), signerOf(response.locals), options));
    } catch (error) {
      sendError(response, error, ENVELOPES.typed);
    }
  });
  return router;
}

async function answer(
  signed: SignedEvidence,
  signer: TrustedIssuer,
  options: AccountRequestsOptions,
): Promise<AccountResponse> {
  const { accounts, connections, oauth, now } = options;
  const request = readAccountRequest(signed.body, signer, now());
  const { attested } = PROFILES[signer.profile];
  if (attested) await checkAttestedUser(request as AccountRequest, signer, options);
  const mandate =
    request.mandate === undefined ? undefined : await readMandate(request.mandate, signer, options);
  const scope = readScopes(request);
  const admitted = admit(request, signer, scope, options);
  if (admitted === "consent_needed") {
    const auth = await ask(request, signer, { mandate, scope, signed }, options);
    return { type: "requires_auth", id: request.id, requires_auth: auth };
  }
  if (request.terms?.version === options.termsVersion) {
    const { version, accepted_at: acceptedAt } = request.terms;
    accounts.acceptTerms({ accountId: admitted.id, version, acceptedAt, evidence: signed });
  }
  if (mandate) connections.renewMandate(admitted.id, mandate);
  const { account: subject } = request.orchestrator;
  const agent = request.agent?.id ?? "";
  await endUnused(
    { accountId: admitted.id, issuer: signer.issuer, subject, agent },
    request,
    options,
  );
  const code = await oauth.mintCode({
    account: admitted,
    client: signer,
    connection: { subject, project: projectOf(mandate, request), agent, scope },
    codeChallenge: request.code_challenge,
  });
  return { type: "oauth", id: request.id, oauth: { code } };
}

/** The code that the owner's consent to this same request has left in a browser or for a device is over: its asker has come itself. */
async function endUnused(
  of: Parameters<Connections["listOf"]>[0],
  { id: requestId }: Asked,
  { connections, oauth }: AccountRequestsOptions,
): Promise<void> {
  for (const { id, request } of connections.listOf(of)) {
    if (request !== requestId || oauth.isUsed(id)) continue;
    connections.remove(id);
    await oauth.revoke(id);
  }
}

/** Keeps the request until its owner has decided; the page and the code say only where. */
async function ask(
  request: Asked,
  signer: TrustedIssuer,
  {
    mandate,
    scope,
    signed,
  }: { mandate: MandateClaims | undefined; scope: string; signed: SignedEvidence },
  { oauth, pending, now }: AccountRequestsOptions,
): Promise<RequiresAuth> {
  const id = `areq_${randomBytes(18).toString("base64url")}`;
  const { terms, code_challenge: codeChallenge } = request;
  const same = {
    issuer: signer.issuer,
    subject: request.orchestrator.account,
    requestId: request.id,
    challenge: codeChallenge ?? "",
    agent: request.agent?.id ?? "",
    scope,
    project: projectOf(mandate, request),
  };
  if (pending.isDeclined(same)) throw declined();
  // The code for a device was given once, and is kept nowhere here.
  const open = pending.findPage(same);
  if (open !== undefined) return { type: "redirect", redirect: { url: open } };
  const auth = await oauth.askConsent({ client: signer, codeChallenge, accountRequest: id, scope });
  const asked = {
    ...same,
    id,
    email: request.email,
    agentName: request.agent?.name ?? "",
    mandate,
    terms: terms && {
      version: terms.version,
      acceptedAt: terms.accepted_at,
      evidence: signed,
    },
    expiresAt: now() + PENDING_MS,
  };
  pending.add(asked, auth.redirect.url);
  return auth;
}

function declined(): ProvisioningError {
  return new ProvisioningError("access_denied", {
    problem: "The owner of the account has declined this request.",
    nextStep: "Ask the user before another request is made.",
  });
}
