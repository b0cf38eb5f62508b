/**
 * Proofs of possession (DPoP, RFC 9449): whoever sends a token that is bound to a key proves with each request that they have it. A
 * proof is for one method, one URL and one token, holds for five minutes, and once.
 */
import { createHash } from "node:crypto";
import type { Request } from "express";
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from "jose";
import { z } from "zod";
import type { Once } from "./once.ts";

export interface ProofOptions {
  readonly publicUrl: string;
  readonly once: (once: Once) => boolean;
  readonly now: () => number;
}

const ALGORITHMS = ["ES256", "EdDSA"];
const MAX_AGE_SECONDS = 300;

const Claims = z.object({
  htm: z.string(),
  htu: z.string(),
  jti: z.string().min(1).max(255),
  iat: z.number(),
  ath: z.string().optional(),
});

/** The thumbprint of the key that the request's proof was made with; undefined where it holds not, or was seen before. */
export async function proofOf(
  request: Pick<Request, "method" | "originalUrl" | "get">,
  { publicUrl, once, now }: ProofOptions,
  accessToken?: string,
): Promise<string | undefined> {
  const proof = request.get("dpop");
  if (proof === undefined || proof.length > 8192) return undefined;
  const verified = await jwtVerify(proof, EmbeddedJWK, {
    algorithms: ALGORITHMS,
    typ: "dpop+jwt",
    currentDate: new Date(now()),
    maxTokenAge: MAX_AGE_SECONDS,
    clockTolerance: 5,
  }).catch(() => undefined);
  const claims = Claims.safeParse(verified?.payload).data;
  const jwk = verified?.protectedHeader.jwk;
  if (!claims || !jwk) return undefined;
  const url = new URL(publicUrl + request.originalUrl);
  const expected = accessToken === undefined ? undefined : hashOf(accessToken);
  if (claims.htm !== request.method || claims.ath !== expected) return undefined;
  if (URL.parse(claims.htu)?.href.replace(/[?#].*/, "") !== url.origin + url.pathname)
    return undefined;
  const issuer = await calculateJwkThumbprint(jwk);
  const until = (claims.iat + MAX_AGE_SECONDS) * 1000;
  return once({ issuer, id: claims.jti, until, now: now() }) ? issuer : undefined;
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
