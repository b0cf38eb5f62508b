/**
 * `POST /provisioning/account_requests`: an orchestrator attests who its user is, and the user gets an account, or the code for
 * the one they have. Nobody gets into an account by its e-mail alone: a first link needs the owner's consent.
 * A refusal has the typed envelope and a fitting status (APP 0.1d does not say which).
 */
import { randomBytes } from "node:crypto";
import { Router } from "express";
import {
  AccountRequest,
  type AccountResponse,
  type MandateClaims,
  PlainAccountRequest,
  type RequiresAuth,
} from "../../protocol/index.ts";
import { z } from "zod";
import type { Account, Accounts, SignedEvidence } from "./accounts.ts";
import { type AttestedUserOptions, checkAttestedUser } from "./attested-user.ts";
import type { Database } from "../../store/index.ts";
import type { Connections } from "./connections.ts";
import type { Consents } from "./consents.ts";
import { PENDING_MS, type PendingRequests } from "./consent/pending-requests.ts";
import { ENVELOPES, ProvisioningError, sendError } from "./error.ts";
import { readMandate } from "./mandates.ts";
import type { OAuth } from "./oauth.ts";
import { type Profile, PROFILES } from "./profiles.ts";
import { DEFAULT_SCOPE, isScope, SCOPE_NAMES } from "./scopes.ts";
import { evidenceOf, signerOf } from "./signed-requests.ts";
import type { TrustedIssuer } from "./trust.ts";

export interface AccountRequestsOptions {
  providerId: string;
  termsVersion: string;
  publicUrl: string;
  accounts: Accounts;
  connections: Connections;
  consents: Consents;
  database: Database;
  oauth: OAuth;
  pending: PendingRequests;
  /** For assertions. */
  once: AttestedUserOptions["once"];
  now: () => number;
  newId: () => string;
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
  const request = READERS[signer.profile](signed.body, signer);
  checkRequest(request, signer, now());
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
  const code = await oauth.mintCode({
    account: admitted,
    client: signer,
    connection: {
      subject: request.orchestrator.account,
      project: projectOf(mandate, request),
      agent: request.agent?.id ?? "",
      scope,
    },
    codeChallenge: request.code_challenge,
  });
  return { type: "oauth", id: request.id, oauth: { code } };
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

/** The terms come before the account: without them nothing is made. */
function admit(
  request: Asked,
  { issuer, profile }: TrustedIssuer,
  scopes: string,
  { accounts, consents, database, termsVersion, publicUrl, now, newId }: AccountRequestsOptions,
): Account | "consent_needed" {
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
  const name = request.name ?? request.email;
  const accountId = () => newId().replaceAll("-", "");
  return database.transaction(() => {
    const at = now();
    const user = { ...identity, email: request.email, name, now: at, newId: accountId };
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

/** What is asked for, separated by spaces; throws `invalid_scope` where there is no such thing. */
function readScopes({ scopes: asked, ownScopes = true }: Asked): string {
  const scopes = ownScopes ? asked : asked.filter(isScope);
  const unknown = scopes.find((name) => !isScope(name));
  if (unknown === undefined) return [...new Set(scopes)].join(" ") || DEFAULT_SCOPE;
  throw new ProvisioningError("invalid_scope", {
    problem: `There is no scope "${unknown}" here.`,
    nextStep: `Ask for ${SCOPE_NAMES.join(", ")}, or for none.`,
  });
}

/** What is asked, whichever way it was said. */
type Asked = Pick<
  AccountRequest,
  | "id"
  | "email"
  | "name"
  | "scopes"
  | "expires_at"
  | "orchestrator"
  | "client_id"
  | "agent"
  | "terms"
> & {
  readonly mandate?: string | undefined;
  readonly identity_assertion?: string | undefined;
  readonly code_challenge?: string | undefined;
  readonly kyc: { readonly verified_fields: readonly string[] };
  /** False where scopes of others' naming are left out, and not refused. */
  readonly ownScopes?: boolean;
};

/** By profile. */
const READERS: Readonly<Record<Profile, (body: string, signer: TrustedIssuer) => Asked>> = {
  strict: (body) => readAccountRequest(AccountRequest, body),
  stripe: (body, { clientId: client_id }) => {
    const {
      orchestrator,
      kyc,
      mandate: _,
      ...request
    } = readAccountRequest(PlainAccountRequest, body);
    const { account } = orchestrator.stripe;
    return {
      ...request,
      client_id,
      code_challenge_method: "S256",
      kyc: kyc ?? { verified_fields: [] },
      orchestrator: { type: orchestrator.type, account },
      ownScopes: false,
    };
  },
};

/** Which project it is for: the mandate's, or the user's only one. */
function projectOf(mandate: MandateClaims | undefined, { orchestrator }: Asked): string {
  return mandate?.sub ?? `${orchestrator.type}:${orchestrator.account}`;
}

function readAccountRequest<Schema extends z.ZodType>(
  schema: Schema,
  body: string,
): z.output<Schema> {
  const { data, error } = schema.safeParse(parseJson(body));
  if (!error) return data;
  throw new ProvisioningError("invalid_request", {
    problem: `The account request is not one of APP 0.1d: ${z.prettifyError(error)}.`,
    nextStep: "Send every field that the protocol asks for.",
  });
}

function checkRequest(request: Asked, signer: TrustedIssuer, now: number): void {
  if (Date.parse(request.expires_at) <= now) {
    throw new ProvisioningError("account_request_expired", {
      problem: `The account request expired at ${request.expires_at}.`,
      nextStep: "Make a new one.",
    });
  }
  if (request.client_id !== signer.clientId) {
    throw new ProvisioningError("forbidden", {
      problem: "The account request names a client that is not the signer's.",
      nextStep: "Use the client id that this provider knows you by.",
    });
  }
  if (!request.kyc.verified_fields.includes("email")) {
    throw new ProvisioningError("email_not_verified", {
      problem: "The user's e-mail is not verified.",
      nextStep: "Verify it, and say so in kyc.verified_fields.",
    });
  }
}

/** The JSON of a body, or undefined where it is none. */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
