/**
 * The orchestrator's Ed25519 keys: with them it signs requests and mandates, and providers know it by their public halves.
 * The private half lives in one file with mode 600 and never leaves this module.
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import { z } from "zod";
import type { SigningKey } from "../protocol/index.ts";
import { readOrCreate } from "./private-file.ts";

const KEY_LIFETIME_MS = 365 * 24 * 60 * 60 * 1000;

const KeyFile = z.object({
  keys: z
    .array(
      z.object({
        kid: z.string(),
        kty: z.literal("OKP"),
        crv: z.literal("Ed25519"),
        x: z.string(),
        d: z.string(),
        /** ISO 8601; providers drop the key then. */
        expires_at: z.iso.datetime(),
      }),
    )
    .min(1),
});

/** An entry of `GET /v2/provisioning/public_keys`. */
interface PublicKey {
  kid: string;
  crv: "Ed25519";
  x: string;
  expires_at: string;
}

export interface SigningKeys {
  current: SigningKey;
  published: PublicKey[];
  /** The body of `GET /.well-known/jwks.json`. */
  jwks: { keys: JWK[] };
}

/** Opens the keys at `path`, or makes the first one. */
export async function openSigningKeys(path: string, now: () => number): Promise<SigningKeys> {
  const { keys } = KeyFile.parse(JSON.parse(await readOrCreate(path, () => newKeyFile(now()))));
  const [first] = keys as [(typeof keys)[0], ...typeof keys];
  const privateKey = await importJWK(first, "EdDSA");
  const published = keys.map(({ kid, crv, x, expires_at }) => ({ kid, crv, x, expires_at }));
  const jwks = published.map(({ kid, crv, x }): JWK => ({
    kty: "OKP",
    crv,
    x,
    kid,
    alg: "EdDSA",
    use: "sig",
  }));
  return { current: { kid: first.kid, privateKey }, published, jwks: { keys: jwks } };
}

async function newKeyFile(now: number): Promise<string> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  const expires_at = new Date(now + KEY_LIFETIME_MS).toISOString();
  return JSON.stringify({ keys: [{ ...jwk, kid, expires_at }] });
}
