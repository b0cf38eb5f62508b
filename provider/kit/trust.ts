/**
 * The orchestrators that a provider trusts, and their public keys. Keys are read from the address that the trust list names,
 * never from one that a request names, and kept for five minutes; a key id that is new is looked up again at most every second.
 */
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import type { TrustedOrchestrator } from "./options.ts";
import { type Profile, PROFILES } from "./profiles.ts";

export interface Trust {
  find(issuer: string): TrustedIssuer | undefined;
  findClient(clientId: string): TrustedIssuer | undefined;
  /** Those whose requests carry no JWT. */
  listUnnamed(): TrustedIssuer[];
  /** Trusts one more orchestrator from now on, or replaces what was known of its issuer. */
  add(orchestrator: TrustedOrchestrator): void;
}

export interface TrustedIssuer {
  readonly issuer: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly profile: Profile;
  /** Of the HMAC; none where only the JWT counts. */
  readonly secrets: readonly string[];
  /** Where there are none, nothing verifies. */
  readonly keys: JWTVerifyGetKey;
}

export function openTrust(
  orchestrators: readonly TrustedOrchestrator[],
  { now }: { now: () => number },
): Trust {
  const byIssuer = new Map<string, TrustedIssuer>();
  const trust: Trust = {
    find: (issuer) => byIssuer.get(issuer),
    findClient: (clientId) => [...byIssuer.values()].find((entry) => entry.clientId === clientId),
    listUnnamed: () => [...byIssuer.values()].filter(({ profile }) => !PROFILES[profile].jwt),
    add: (orchestrator) => {
      const { issuer, clientId, secrets = [] } = orchestrator;
      const rest =
        orchestrator.profile === "stripe"
          ? { profile: "stripe" as const, redirectUri: orchestrator.redirectUri, keys: noKeys }
          : { profile: "strict" as const, ...ofKeys(orchestrator, now) };
      byIssuer.set(issuer, { issuer, clientId, secrets, ...rest });
    },
  };
  for (const orchestrator of orchestrators) trust.add(orchestrator);
  return trust;
}

function ofKeys(
  { keysUrl, redirectUri }: { keysUrl: string; redirectUri?: string },
  now: () => number,
) {
  return {
    redirectUri: redirectUri ?? new URL("/oauth/callback", keysUrl).href,
    keys: remoteKeys(keysUrl, now),
  };
}

const noKeys: JWTVerifyGetKey = () => {
  throw new Error("it signs with no key");
};

const KEPT_MS = 300_000;
const RETRY_MS = 1_000;
const TIMEOUT_MS = 5_000;

const PublicKeys = z.object({
  public_keys: z.array(
    z.looseObject({ kid: z.string(), crv: z.literal("Ed25519"), x: z.string() }),
  ),
});
const JwkSet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });

function remoteKeys(url: string, now: () => number): JWTVerifyGetKey {
  let known: { at: number; keys: ReturnType<typeof createLocalJWKSet> } | undefined;
  let reading: Promise<NonNullable<typeof known>> | undefined;
  const read = () =>
    (reading ??= fetchKeys(url)
      .then((keys) => (known = { at: now(), keys: createLocalJWKSet(keys) }))
      .finally(() => (reading = undefined)));
  return async (header, token) => {
    const current = known && now() - known.at < KEPT_MS ? known : await read();
    try {
      return await current.keys(header, token);
    } catch (error) {
      // The orchestrator may have a new key since.
      if (now() - current.at < RETRY_MS) throw error;
      return (await read()).keys(header, token);
    }
  };
}

async function fetchKeys(url: string): Promise<JSONWebKeySet> {
  const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(TIMEOUT_MS) });
  const body: unknown = await response.json();
  const own = PublicKeys.safeParse(body).data;
  if (own) return { keys: own.public_keys.map(({ kid, crv, x }) => ({ kty: "OKP", kid, crv, x })) };
  return JwkSet.parse(body);
}
