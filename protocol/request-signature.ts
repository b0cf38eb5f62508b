/**
 * The signature of an orchestrator's request to a provider: a compact EdDSA JWT in `Stripe-Signature-V2`, bound to the
 * method, the URL and the digest of the raw body, valid for a minute and once. (APP 0.1d; `htu` and `jti` are our profile.)
 */
import { createHash } from "node:crypto";
import { jwtVerify, SignJWT, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import { PurserError } from "./error.ts";
import type { SigningKey } from "./mandate.ts";

export const SIGNATURE_HEADER = "stripe-signature-v2";
export const API_VERSION_HEADER = "api-version";
export const API_VERSION = "0.1d";
const LIFETIME_SECONDS = 60;

export interface SignedRequest {
  method: string;
  /** Absolute, as the provider is reached. */
  url: string;
  /** The raw body; "" for none. */
  body: string;
}

const Claims = z.object({
  version: z.literal(1),
  iss: z.string(),
  htm: z.string(),
  htu: z.string(),
  digest: z.string(),
  jti: z.string().min(8).max(128),
  iat: z.number(),
  exp: z.number(),
});
export type RequestClaims = z.output<typeof Claims>;

export class SignatureError extends PurserError<"SIGNATURE_INVALID"> {}

/** The header's value. `now` in milliseconds; `id` is used once. */
export function signRequest(
  { method, url, body }: SignedRequest,
  { key, issuer, now, id }: { key: SigningKey; issuer: string; now: number; id: string },
): Promise<string> {
  const iat = Math.floor(now / 1000);
  const claims = {
    version: 1,
    iss: issuer,
    htm: method,
    htu: url,
    digest: digestOf(body),
    jti: id,
  };
  return new SignJWT({ ...claims, iat, exp: iat + LIFETIME_SECONDS })
    .setProtectedHeader({ alg: "EdDSA", typ: "JWT", kid: key.kid })
    .sign(key.privateKey);
}

/**
 * Checks the signature against the request that really arrived, or throws `SIGNATURE_INVALID`. The caller must also refuse a
 * `jti` that it has seen before.
 */
export async function verifyRequestSignature(
  token: string | undefined,
  { method, url, body }: SignedRequest,
  { keys, issuer, now }: { keys: JWTVerifyGetKey; issuer: string; now: number },
): Promise<RequestClaims> {
  const refuse = (problem: string, cause?: unknown) =>
    new SignatureError("SIGNATURE_INVALID", {
      problem,
      nextStep: "Sign this very request with a published key.",
      cause,
    });
  if (token === undefined) throw refuse("The request is not signed.");
  let claims: RequestClaims;
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ["EdDSA"],
      issuer,
      currentDate: new Date(now),
      clockTolerance: 5,
      maxTokenAge: LIFETIME_SECONDS,
    });
    claims = Claims.parse(payload);
  } catch (cause) {
    throw refuse("The request's signature does not hold.", cause);
  }
  if (claims.htm !== method) throw refuse("The signature is for another method.");
  if (claims.htu !== url) throw refuse("The signature is for another URL.");
  if (claims.digest !== digestOf(body)) throw refuse("The signature is for another body.");
  return claims;
}

/** base64url SHA-256 of the raw body. */
export function digestOf(body: string): string {
  return createHash("sha256").update(body).digest("base64url");
}
