/**
 * The orchestrator's signed word on who its signed-in user is, for one provider and one use: an identity assertion authorization grant
 * (ID-JAG, draft-ietf-oauth-identity-assertion-authz-grant). APP 0.1d attests the user by the request's signature alone; this says besides
 * for whom it is meant, when the user signed in, and that the e-mail is verified, and it cannot be used again or elsewhere.
 */
import { jwtVerify, SignJWT, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import { PurserError } from "./error.ts";
import type { SigningKey } from "./mandate.ts";

const TYPE = "oauth-id-jag+jwt";
/** Seconds; more is refused. */
const ASSERTION_LIFETIME_SECONDS = 300;

export const IdentityAssertionClaims = z.object({
  /** The orchestrator. */
  iss: z.string(),
  /** The user there; stable. */
  sub: z.string().min(1).max(100),
  /** The provider's issuer: one, never a list. */
  aud: z.string(),
  /** The orchestrator's OAuth client at the provider. */
  client_id: z.string().min(1).max(200),
  jti: z.string().min(8).max(128),
  /** Unix seconds. */
  iat: z.number().int(),
  exp: z.number().int(),
  /** When the user signed in with the orchestrator, Unix seconds. */
  auth_time: z.number().int(),
  email: z.email().max(254),
  email_verified: z.boolean(),
  name: z.string().max(200).optional(),
  /** What a token for it may do at most, separated by spaces. */
  scope: z.string().max(500).optional(),
  /** The agent that it is for, and the project; of the orchestrator's own naming. */
  agent: z.string().max(100).optional(),
  project: z.string().max(100).optional(),
});
export type IdentityAssertionClaims = z.output<typeof IdentityAssertionClaims>;

export class IdentityAssertionError extends PurserError<"ASSERTION_INVALID"> {}

/** Signs it for `ASSERTION_LIFETIME_SECONDS` from `now` (milliseconds); `id` is used once. */
export function signIdentityAssertion(
  claims: Omit<IdentityAssertionClaims, "iat" | "exp" | "jti">,
  { key, now, id }: { key: SigningKey; now: number; id: string },
): Promise<string> {
  const iat = Math.floor(now / 1000);
  return new SignJWT({ ...claims, jti: id, iat, exp: iat + ASSERTION_LIFETIME_SECONDS })
    .setProtectedHeader({ alg: "EdDSA", typ: TYPE, kid: key.kid })
    .sign(key.privateKey);
}

/**
 * Checks signature, issuer, audience, time and lifetime (`now` in milliseconds), or throws `ASSERTION_INVALID`. The caller must also
 * refuse a `jti` that it has seen before, a user that signed in too long ago, and an e-mail that is not verified.
 */
export async function verifyIdentityAssertion(
  token: string,
  {
    keys,
    issuer,
    audience,
    now,
  }: { keys: JWTVerifyGetKey; issuer: string; audience: string; now: number },
): Promise<IdentityAssertionClaims> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ["EdDSA"],
      typ: TYPE,
      issuer,
      audience,
      currentDate: new Date(now),
      clockTolerance: 5,
      maxTokenAge: ASSERTION_LIFETIME_SECONDS,
    });
    const claims = IdentityAssertionClaims.parse(payload);
    if (claims.exp - claims.iat <= ASSERTION_LIFETIME_SECONDS) return claims;
    throw new RangeError("it lives longer than an assertion may");
  } catch (cause) {
    throw new IdentityAssertionError("ASSERTION_INVALID", {
      problem:
        "The identity assertion is not one that this orchestrator signed for this provider and that still holds.",
      nextStep: "Send a fresh assertion, with this provider as its only audience.",
      cause,
    });
  }
}
