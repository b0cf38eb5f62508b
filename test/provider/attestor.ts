/**
 * The orchestrator's side of a provider's tests: real keys on a real server, and requests signed with them. It can also sign
 * what an honest orchestrator never would, so that each refusal can be seen by itself.
 */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import {
  API_VERSION,
  type IdentityAssertionClaims,
  type MandateClaims,
  type SigningKey,
  signIdentityAssertion,
  signMandate,
  signRequest,
} from "../../protocol/index.ts";
import type { TrustedOrchestrator } from "../../provider/index.ts";

export interface Attestor extends AsyncDisposable {
  readonly issuer: string;
  readonly key: SigningKey;
  readonly trust: Exclude<TrustedOrchestrator, { profile: "stripe" }>;
  /** How often the keys were read. */
  readonly keyReads: () => number;
  mandate(claims?: Partial<MandateClaims>): Promise<string>;
  /** Who the user is, for the provider `aud`. */
  assertion(
    claims: { aud: string } & Partial<IdentityAssertionClaims>,
    now?: number,
  ): Promise<string>;
  /** The headers that sign this request, or another one than the one that is sent. */
  headers(
    request: { method: string; url: string; body: string },
    options?: { id?: string; now?: number; key?: SigningKey; issuer?: string },
  ): Promise<Record<string, string>>;
}

export interface AttestorOptions {
  issuer?: string;
  clientId?: string;
}

export async function startAttestor({
  issuer = "https://orchestrator.test",
  clientId = "test-orchestrator",
}: AttestorOptions = {}): Promise<Attestor> {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  const { x } = await exportJWK(publicKey);
  const key = { kid: randomUUID(), privateKey };
  let reads = 0;
  const server = createServer((_, response) => {
    reads += 1;
    response.end(JSON.stringify({ public_keys: [{ kid: key.kid, crv: "Ed25519", x }] }));
  }).listen(0, "127.0.0.1");
  const { promise, resolve } = Promise.withResolvers<void>();
  server.once("listening", resolve);
  await promise;
  const { port } = server.address() as AddressInfo;
  return {
    issuer,
    key,
    trust: { issuer, clientId, keysUrl: `http://127.0.0.1:${port}/keys` },
    keyReads: () => reads,
    mandate: (claims) => {
      const iat = Math.floor(Date.now() / 1000);
      const whole: MandateClaims = {
        iss: issuer,
        sub: "project-1",
        aud: "cloudflare",
        currency: "usd",
        max_amount_per_month: "100.00",
        version: 1,
        iat,
        exp: iat + 3600,
        ...claims,
      };
      return signMandate(whole, key);
    },
    assertion: ({ jti = randomUUID(), ...claims }, now = Date.now()) =>
      signIdentityAssertion(
        {
          iss: issuer,
          sub: "user-1",
          client_id: clientId,
          auth_time: Math.floor(now / 1000),
          email: "ada@example.com",
          email_verified: true,
          ...claims,
        },
        { key, now, id: jti },
      ),
    headers: async (request, { id = randomUUID(), now = Date.now(), ...signer } = {}) => ({
      "content-type": "application/json",
      "api-version": API_VERSION,
      "stripe-signature-v2": await signRequest(request, { key, issuer, now, id, ...signer }),
    }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

export interface Answer {
  status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks into whatever came back
  body: any;
}

/** Sends a request that the attestor signed. */
export async function sendSigned(
  attestor: Attestor,
  url: string,
  { method = "POST", body, headers = {} }: { method?: string; body?: object; headers?: object },
): Promise<Answer> {
  const text = body === undefined ? "" : JSON.stringify(body);
  const signed = await attestor.headers({ method, url, body: text });
  const init = { method, headers: { ...signed, ...headers } };
  return read(await fetch(url, text === "" ? init : { ...init, body: text }));
}

export async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    return { status: response.status, body: text };
  }
}

/** A PKCE verifier and its challenge. */
export function pkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}

/** A valid account request to the provider at `audience`; a test changes what it is about. */
export async function accountRequest(
  attestor: Attestor,
  {
    audience,
    challenge,
    subject = "user-1",
    email = "ada@example.com",
    ...changes
  }: {
    audience: string;
    challenge: string;
    subject?: string;
    email?: string;
    mandate?: string;
  } & object,
): Promise<object> {
  return {
    id: `acctreq_${randomUUID()}`,
    object: "account_request",
    email,
    kyc: { verified_fields: ["email"] },
    scopes: ["account"],
    client_capabilities: ["browser"],
    confirmation_secret: "unused",
    expires_at: new Date(Date.now() + 60_000).toISOString(),
    orchestrator: { type: "test", account: subject },
    client_id: attestor.trust.clientId,
    code_challenge: challenge,
    code_challenge_method: "S256",
    terms: { version: "2026-04-30", accepted_at: new Date().toISOString(), accepted_by: "user" },
    mandate: await attestor.mandate(),
    identity_assertion: await attestor.assertion({ aud: audience, sub: subject, email }),
    ...changes,
  };
}

export interface Session {
  readonly accountId: string;
  readonly token: string;
  readonly refreshToken: string;
  readonly headers: { authorization: string };
}

/** Connects a user, as an orchestrator does. */
export async function connect(
  attestor: Attestor,
  providerUrl: string,
  changes: {
    subject?: string;
    email?: string;
    mandate?: string;
    scopes?: string[];
    agent?: object;
  } = {},
): Promise<Session> {
  const { verifier, challenge } = pkce();
  const body = await accountRequest(attestor, { audience: providerUrl, challenge, ...changes });
  const { body: answer } = await sendSigned(
    attestor,
    `${providerUrl}/provisioning/account_requests`,
    { body },
  );
  if (answer.type !== "oauth") throw new Error(`not connected: ${JSON.stringify(answer)}`);
  const { body: tokens } = await exchange(attestor, providerUrl, answer.oauth.code, verifier);
  return {
    accountId: tokens.account.id,
    token: tokens.access_token,
    refreshToken: tokens.refresh_token,
    headers: { authorization: `Bearer ${tokens.access_token}` },
  };
}

export async function exchange(
  attestor: Attestor,
  providerUrl: string,
  code: string,
  verifier: string,
): Promise<Answer> {
  const form = {
    grant_type: "authorization_code",
    code,
    code_verifier: verifier,
    client_id: attestor.trust.clientId,
  };
  return read(
    await fetch(`${providerUrl}/oauth/token`, { method: "POST", body: new URLSearchParams(form) }),
  );
}
