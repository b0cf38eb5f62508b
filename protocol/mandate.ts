/**
 * A mandate is the orchestrator's signed word on how much a provider may charge a project in a UTC month. The connection
 * carries it, so the provider can keep to the cap by itself, without asking anyone.
 */
import { jwtVerify, SignJWT, type CryptoKey, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import { PurserError } from "./error.ts";

export const MandateClaims = z.object({
  /** The orchestrator's issuer id. */
  iss: z.string(),
  /** The project. */
  sub: z.string(),
  /** The provider's id. */
  aud: z.string(),
  currency: z.literal("usd"),
  /** Decimal text, per UTC month. */
  max_amount_per_month: z.string(),
  /** Rises whenever the human changes the cap; the highest wins. */
  version: z.number().int().positive(),
  /** Unix seconds. */
  iat: z.number().int(),
  exp: z.number().int(),
});
export type MandateClaims = z.output<typeof MandateClaims>;

export class MandateError extends PurserError<"MANDATE_INVALID"> {}

/** The key that an orchestrator signs requests and mandates with. */
export interface SigningKey {
  kid: string;
  /** Ed25519. */
  privateKey: CryptoKey;
}

const TYPE = "purser-mandate+jwt";

export function signMandate(
  claims: MandateClaims,
  { kid, privateKey }: SigningKey,
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "EdDSA", typ: TYPE, kid }).sign(privateKey);
}

/** Checks a mandate's signature, issuer, audience and time (`now` in milliseconds), or throws `MANDATE_INVALID`. */
export async function verifyMandate(
  token: string,
  {
    keys,
    issuer,
    audience,
    now,
  }: { keys: JWTVerifyGetKey; issuer: string; audience: string; now: number },
): Promise<MandateClaims> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ["EdDSA"],
      typ: TYPE,
      issuer,
      audience,
      currentDate: new Date(now),
      requiredClaims: ["exp"],
    });
    return MandateClaims.parse(payload);
  } catch (cause) {
    throw new MandateError("MANDATE_INVALID", {
      problem:
        "The mandate is not one that this orchestrator signed for this provider and that still holds.",
      nextStep: "Ask the orchestrator for a fresh mandate.",
      cause,
    });
  }
}
