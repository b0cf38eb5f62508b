/**
 * The gate before every endpoint that only an orchestrator may call. A request passes when it speaks our version and is signed as the
 * signer's profile says: by a trusted issuer for exactly this method, URL and body and not seen before, or by Stripe's HMAC.
 */
import { decodeJwt } from "jose";
import express, { type Request, type RequestHandler } from "express";
import {
  API_VERSION,
  API_VERSION_HEADER,
  HMAC_HEADER,
  SIGNATURE_HEADER,
  verifyHmac,
  verifyRequestSignature,
} from "../../protocol/index.ts";
import type { Database } from "../../store/index.ts";
import type { SignedEvidence } from "./accounts.ts";
import { ENVELOPES, ProvisioningError, sendError } from "./error.ts";
import { openOnce } from "./once.ts";
import { PROFILES } from "./profiles.ts";
import type { Trust, TrustedIssuer } from "./trust.ts";

export interface SignedRequestsOptions {
  database: Database;
  trust: Trust;
  publicUrl: string;
  now: () => number;
}

/** Reads the raw body and checks the signature; afterwards `signerOf` and `bodyOf` answer. */
export function signedRequests(options: SignedRequestsOptions): RequestHandler[] {
  const remember = openOnce(options.database, "signed_request");
  const check: RequestHandler = async (request, response, next) => {
    try {
      checkVersion(request);
      response.locals["signer"] = await checkSignature(request, options, remember);
    } catch (error) {
      sendError(response, error, ENVELOPES.flat);
      return;
    }
    next();
  };
  return [express.text({ type: () => true, limit: "1mb" }), check];
}

/** Who signed the request that passed the gate. */
export function signerOf(locals: Record<string, unknown>): TrustedIssuer {
  return locals["signer"] as TrustedIssuer;
}

/** Throws `forbidden` where a token was granted to another orchestrator than the one that signed: neither can use what is the other's. */
export function requireGrantee(
  { issuer }: { issuer: string },
  locals: Record<string, unknown>,
): void {
  if (issuer === signerOf(locals).issuer) return;
  throw new ProvisioningError("forbidden", {
    problem: "The token was granted to another orchestrator than the one that signed.",
    nextStep: "Sign with the key of the orchestrator that the token belongs to.",
  });
}

/** What was signed, as it came: kept where it may have to be shown later. */
export function evidenceOf(request: Request): SignedEvidence {
  const signatures = [SIGNATURE_HEADER, HMAC_HEADER].flatMap((name): [string, string][] => {
    const value = request.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return { body: bodyOf(request), signatures: Object.fromEntries(signatures) };
}

/** The raw body's text; "" where there was none. */
export function bodyOf(request: Request): string {
  return typeof request.body === "string" ? request.body : "";
}

function checkVersion(request: Request): void {
  if (request.get(API_VERSION_HEADER) === API_VERSION) return;
  throw new ProvisioningError("invalid_api_version", {
    problem: `Supported API-Versions: ${API_VERSION}.`,
    nextStep: `Send the header API-Version: ${API_VERSION}.`,
  });
}

async function checkSignature(
  request: Request,
  options: SignedRequestsOptions,
  remember: ReturnType<typeof openOnce>,
): Promise<TrustedIssuer> {
  const { trust, now } = options;
  const token = request.get(SIGNATURE_HEADER);
  const issuer = trust.find(claimedIssuer(token) ?? "");
  // A JWT of Stripe's is its own affair: what counts there is the HMAC.
  if (!issuer || !PROFILES[issuer.profile].jwt)
    return unnamedSigner(request, bodyOf(request), options);
  await checkJwt(token, issuer, request, options, remember);
  if (issuer.secrets.length > 0) {
    const { secrets } = issuer;
    try {
      verifyHmac(request.get(HMAC_HEADER), bodyOf(request), { secrets, now: now() });
    } catch (cause) {
      throw refuse(
        cause instanceof Error ? problemOf(cause) : "The signature does not hold.",
        cause,
      );
    }
  }
  return issuer;
}

/** The counterpart that an HMAC alone is of, or `invalid_signature`. Only those whose profile says so may sign like this. */
export function unnamedSigner(
  request: Pick<Request, "get">,
  body: string,
  { trust, now }: Pick<SignedRequestsOptions, "trust" | "now">,
): TrustedIssuer {
  const header = request.get(HMAC_HEADER);
  const signer = trust.listUnnamed().find(({ secrets }) => {
    try {
      verifyHmac(header, body, { secrets, now: now() });
      return true;
    } catch {
      return false;
    }
  });
  if (signer) return signer;
  throw refuse("The request is not signed by an orchestrator that is trusted here.");
}

async function checkJwt(
  token: string | undefined,
  issuer: TrustedIssuer,
  request: Request,
  { publicUrl, now }: SignedRequestsOptions,
  remember: ReturnType<typeof openOnce>,
): Promise<void> {
  const signed = {
    method: request.method,
    url: publicUrl + request.originalUrl,
    body: bodyOf(request),
  };
  const time = now();
  const { jti, exp } = await verifyRequestSignature(token, signed, {
    keys: issuer.keys,
    issuer: issuer.issuer,
    now: time,
  }).catch((cause: unknown) => {
    throw refuse(cause instanceof Error ? problemOf(cause) : "The signature does not hold.", cause);
  });
  const fresh = remember({ issuer: issuer.issuer, id: jti, until: exp * 1000, now: time });
  if (!fresh) throw refuse("The request was already made once; a signature holds for one request.");
}

function claimedIssuer(token: string | undefined): string | undefined {
  try {
    return token === undefined ? undefined : decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

function problemOf(cause: Error): string {
  return "problem" in cause && typeof cause.problem === "string" ? cause.problem : cause.message;
}

function refuse(problem: string, cause?: unknown): ProvisioningError {
  return new ProvisioningError("invalid_signature", {
    problem,
    nextStep: "Sign this very request, once, with a published key.",
    cause,
  });
}
