/**
 * Tokens for an identity assertion (ID-JAG): `urn:ietf:params:oauth:grant-type:jwt-bearer` at the token endpoint (RFC 7523). The
 * assertion is the orchestrator's, of its own user, for this provider and this once; it opens what that user is linked to already, for
 * what its owner consented to. It makes no account and no link, and there is no refresh token: another assertion is as easy.
 */
import type { ExtendedContext, errors as Errors, default as Library } from "oidc-provider";
import { verifyIdentityAssertion } from "../../protocol/index.ts";
import type { Accounts } from "./accounts.ts";
import { MAX_AUTH_AGE_SECONDS } from "./attested-user.ts";
import type { Connections } from "./connections.ts";
import type { Consents } from "./consents.ts";
import { proofOf } from "./dpop.ts";
import type { Once } from "./once.ts";
import { covers } from "./scopes.ts";
import type { Trust } from "./trust.ts";

export const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

export interface AssertionGrantOptions {
  readonly trust: Trust;
  readonly accounts: Accounts;
  readonly connections: Connections;
  readonly consents: Consents;
  readonly publicUrl: string;
  /** For assertions, and for proofs of possession. */
  readonly once: (once: Once) => boolean;
  readonly onceProof: (once: Once) => boolean;
  readonly now: () => number;
}

export function addAssertionGrant(
  library: Library,
  errors: typeof Errors,
  options: AssertionGrantOptions,
): void {
  const params = ["assertion", "scope", "resource"];
  library.registerGrantType(
    JWT_BEARER,
    (context) => answer(context, library, errors, options),
    params,
  );
}

async function answer(
  context: ExtendedContext,
  library: Library,
  errors: typeof Errors,
  options: AssertionGrantOptions,
): Promise<void> {
  const { connections, consents, publicUrl, now } = options;
  const { client, params } = context.oidc;
  const { clientId } = client;
  const refuse = (why: string) => new errors.InvalidGrant(why);
  if (params["resource"] !== undefined && params["resource"] !== publicUrl)
    throw new errors.InvalidTarget();
  const { accountId, claims } = await readAssertion(params["assertion"], clientId, refuse, options);
  const { iss: issuer, sub: subject, agent = "", project = `client:${clientId}` } = claims;
  const consent = consents.find({ accountId, issuer, subject, agent });
  if (!consent) throw refuse("the account's owner has not consented to this agent");
  const scope = textOf(params["scope"]) ?? claims.scope ?? consent.scopes;
  if (!covers(claims.scope ?? scope, scope) || !covers(consent.scopes, scope))
    throw new errors.InvalidScope("more than was consented to", scope);

  const { req: request } = context;
  const asked = {
    method: "POST",
    originalUrl: "/oauth/token",
    get: (name: string) => context.get(name),
  };
  const proofs = { publicUrl, now, once: options.onceProof };
  const key =
    request.headers["dpop"] === undefined ? undefined : await proofOf(asked as never, proofs);
  if (request.headers["dpop"] !== undefined && key === undefined)
    throw new errors.InvalidDpopProof("the proof does not hold");

  const grant = new library.Grant({ accountId, clientId });
  grant.addOIDCScope(scope);
  grant.addResourceScope(publicUrl, scope);
  const grantId = await grant.save();
  connections.add({ id: grantId, accountId, issuer, subject, project, agent, scope });
  const token = new library.AccessToken({ accountId, client, grantId, gty: "jwt-bearer", scope });
  token.aud = publicUrl;
  if (key !== undefined) token.setThumbprint("jkt", key);
  context.oidc.entity("AccessToken", token);
  const access_token = await token.save();
  const { expiration: expires_in, tokenType: token_type } = token;
  context.body = { access_token, token_type, expires_in, scope };
}

/** Whose it is and what it says, or a refusal. */
async function readAssertion(
  assertion: unknown,
  clientId: string,
  refuse: (why: string) => Error,
  { trust, accounts, publicUrl, once, now }: AssertionGrantOptions,
) {
  const signer = trust.findClient(clientId);
  if (!signer || typeof assertion !== "string") throw refuse("no assertion of a trusted issuer");
  const check = { keys: signer.keys, issuer: signer.issuer, audience: publicUrl, now: now() };
  const claims = await verifyIdentityAssertion(assertion, check).catch(() => {
    throw refuse("the assertion is not one for this provider, or it has ended");
  });
  const { iss: issuer, sub: subject, jti: id, exp, auth_time } = claims;
  if (claims.client_id !== clientId) throw refuse("the assertion is another client's");
  if (!once({ issuer, id, until: exp * 1000, now: now() }))
    throw refuse("the assertion was used before");
  if (!claims.email_verified) throw refuse("the user's e-mail is not verified");
  if (now() / 1000 - auth_time > MAX_AUTH_AGE_SECONDS) throw refuse("the user must sign in again");
  const account = accounts.findLinked({ issuer, subject });
  if (!account) throw refuse("the user has no account here; make an account request first");
  return { accountId: account.id, claims };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
