/**
 * The orchestrator's Ed25519 keys: with them it signs requests, assertions and mandates, and providers know it by their public
 * halves. A new key is published before it signs, and an old one stays published until the last that it signed has ended, so
 * that providers which keep our keys for some minutes never meet one that they cannot know. The private halves lie in one file
 * with mode 600 and never leave this module.
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import { z } from "zod";
import type { SigningKey } from "../protocol/index.ts";
import { readOrCreate, replaceFile } from "./private-file.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const KEY_LIFETIME_MS = 365 * DAY_MS;
/** Longer than a mandate lives, which lives longest of what is signed. */
const KEPT_AFTER_MS = 32 * DAY_MS;
/** Longer than providers keep what they have read. */
const PUBLISHED_BEFORE_MS = 10 * 60 * 1000;

const Key = z.object({
  kid: z.string(),
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string(),
  d: z.string(),
  /** ISO 8601; absent in files of earlier versions, whose one key signs. */
  signs_from: z.iso.datetime().optional(),
  /** ISO 8601; providers drop the key then. */
  expires_at: z.iso.datetime(),
});
type Key = z.output<typeof Key>;
const KeyFile = z.object({ keys: z.array(Key).min(1) });

/** An entry of `GET /v2/provisioning/public_keys`. */
interface PublicKey {
  kid: string;
  crv: "Ed25519";
  x: string;
  expires_at: string;
}

export interface SigningKeys {
  /** The one to sign with now. */
  current(): SigningKey;
  published(): PublicKey[];
  /** The body of `GET /.well-known/jwks.json`. */
  jwks(): { keys: JWK[] };
  /** Publishes a new key, which signs after ten minutes; the others are kept for what they have signed. Resolves when durable. */
  rotate(): Promise<void>;
}

/** Opens the keys at `path`, or makes the first one. A key that is about to end is followed by a new one. */
export async function openSigningKeys(path: string, now: () => number): Promise<SigningKeys> {
  const text = await readOrCreate(path, async () =>
    JSON.stringify({ keys: [await newKey(now(), now())] }),
  );
  let keys: Key[] = KeyFile.parse(JSON.parse(text)).keys;
  const signing = new Map<string, SigningKey["privateKey"]>();
  const load = async () => {
    for (const key of keys) signing.set(key.kid, await importJWK(key, "EdDSA"));
  };
  const live = () => keys.filter(({ expires_at }) => Date.parse(expires_at) > now());
  const current = (): SigningKey => {
    const ready = live().filter((key) => signsFrom(key) <= now());
    // Where all have ended, the newest goes on: a provider that refuses it says so, and nothing is signed by nobody.
    const newest = (ready.length > 0 ? ready : keys).toSorted(
      (a, b) => signsFrom(b) - signsFrom(a),
    )[0]!;
    return { kid: newest.kid, privateKey: signing.get(newest.kid)! };
  };
  const published = () =>
    live().map(({ kid, crv, x, expires_at }) => ({ kid, crv, x, expires_at }));
  const rotate = async () => {
    const from = now() + PUBLISHED_BEFORE_MS;
    const until = new Date(from + KEPT_AFTER_MS).toISOString();
    const kept = live().map((key) => ({
      ...key,
      expires_at: key.expires_at < until ? key.expires_at : until,
    }));
    const next = [...kept, await newKey(now(), from)];
    replaceFile(path, JSON.stringify({ keys: next }));
    keys = next;
    await load();
  };
  await load();
  if (keys.every(({ expires_at }) => Date.parse(expires_at) - now() < KEPT_AFTER_MS))
    await rotate();
  return {
    current,
    published,
    jwks: () => ({
      keys: published().map(({ kid, crv, x }): JWK => {
        return { kty: "OKP", crv, x, kid, alg: "EdDSA", use: "sig" };
      }),
    }),
    rotate,
  };
}

function signsFrom({ signs_from }: Key): number {
  return signs_from === undefined ? 0 : Date.parse(signs_from);
}

async function newKey(now: number, from: number): Promise<Key> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const jwk = await exportJWK(privateKey);
  return Key.parse({
    ...jwk,
    kid: await calculateJwkThumbprint(jwk),
    signs_from: new Date(from).toISOString(),
    expires_at: new Date(now + KEY_LIFETIME_MS).toISOString(),
  });
}
