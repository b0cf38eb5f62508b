/** Tokens for an identity assertion, as stock OAuth clients ask for them, and tokens that are bound to a key. */
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { IdentityAssertionClaims } from "../../protocol/index.ts";
import { connect, startAttestor } from "./attestor.ts";
import { openShop, type Shop } from "./shop.ts";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

let shop: Shop;
let accountId: string;
beforeAll(async () => {
  shop = await openShop();
  ({ accountId } = await connect(shop.attestor, shop.url));
});
afterAll(() => shop[Symbol.asyncDispose]());

async function configuration(): Promise<client.Configuration> {
  const options = { algorithm: "oauth2" as const, execute: [client.allowInsecureRequests] };
  const { clientId } = shop.attestor.trust;
  return client.discovery(new URL(shop.url), clientId, undefined, client.None(), options);
}

const assertion = (claims: Partial<IdentityAssertionClaims> = {}) =>
  shop.attestor.assertion({ aud: shop.url, ...claims });

async function ask(parameters: Record<string, string>) {
  const form = { grant_type: JWT_BEARER, client_id: shop.attestor.trust.clientId, ...parameters };
  const body = new URLSearchParams(form);
  const response = await fetch(`${shop.url}/oauth/token`, { method: "POST", body });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const accounts = (headers: Record<string, string>) =>
  fetch(`${shop.url}/client/v4/accounts`, { headers });

test("openid-client gets a token for an assertion, and what it opens is that user's account", async () => {
  const config = await configuration();
  expect(config.serverMetadata().grant_types_supported).toContain(JWT_BEARER);
  const parameters = { assertion: await assertion(), resource: shop.url };
  const tokens = await client.genericGrantRequest(config, JWT_BEARER, parameters);
  expect(tokens).toMatchObject({
    token_type: "bearer",
    scope: "account",
    account: { id: accountId },
  });
  expect(tokens.refresh_token).toBeUndefined();
  const seen = await accounts({ authorization: `Bearer ${tokens.access_token}` });
  expect(((await seen.json()) as { result: { id: string }[] }).result[0]?.id).toBe(accountId);
});

test("oauth4webapi finds the server from a 401, binds a token to its key, and only that key can use it", async () => {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const refused = await accounts({});
  const [, metadata = ""] =
    /resource_metadata="([^"]+)"/.exec(refused.headers.get("www-authenticate") ?? "") ?? [];
  const resource = (await (await fetch(metadata)).json()) as { authorization_servers: string[] };
  const issuer = new URL(resource.authorization_servers[0]!);
  const found = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure });
  const server = await oauth.processDiscoveryResponse(issuer, found);
  const self: oauth.Client = { client_id: shop.attestor.trust.clientId };
  const DPoP = oauth.DPoP(self, await oauth.generateKeyPair("ES256"));
  const parameters = { assertion: await assertion() };
  const answer = await oauth.genericTokenEndpointRequest(
    server,
    self,
    oauth.None(),
    JWT_BEARER,
    parameters,
    {
      DPoP,
      ...insecure,
    },
  );
  const tokens = await oauth.processGenericTokenEndpointResponse(server, self, answer);
  expect(tokens.token_type).toBe("dpop");
  const url = new URL(`${shop.url}/client/v4/accounts`);
  const use = (proof: typeof DPoP) =>
    oauth.protectedResourceRequest(tokens.access_token, "GET", url, undefined, undefined, {
      DPoP: proof,
      ...insecure,
    });
  expect((await use(DPoP)).status).toBe(200);
  const thief = oauth.DPoP(self, await oauth.generateKeyPair("ES256"));
  await expect(use(thief)).rejects.toThrow();
  expect((await accounts({ authorization: `Bearer ${tokens.access_token}` })).status).toBe(401);
  expect((await accounts({ authorization: `DPoP ${tokens.access_token}` })).status).toBe(401);
});

test("a proof of possession holds once", async () => {
  const keys = await oauth.generateKeyPair("ES256");
  const config = await configuration();
  const DPoP = client.getDPoPHandle(config, keys);
  const parameters = { assertion: await assertion() };
  const tokens = await client.genericGrantRequest(config, JWT_BEARER, parameters, { DPoP });
  let proof = "";
  config[client.customFetch] = (url, init) => {
    proof = new Headers(init.headers).get("dpop") ?? "";
    return fetch(url, init as RequestInit);
  };
  const url = new URL(`${shop.url}/client/v4/accounts`);
  await client.fetchProtectedResource(
    config,
    tokens.access_token,
    url,
    "GET",
    undefined,
    undefined,
    { DPoP },
  );
  const again = await accounts({ authorization: `DPoP ${tokens.access_token}`, dpop: proof });
  expect([proof === "", again.status]).toEqual([false, 401]);
});

test("an assertion opens what was consented to, and no more", async () => {
  const read = await ask({ assertion: await assertion({ scope: "resources:read" }) });
  expect(read).toMatchObject({ status: 200, body: { scope: "resources:read" } });
  const more = await ask({
    assertion: await assertion({ scope: "resources:read" }),
    scope: "account",
  });
  expect(more).toMatchObject({ status: 400, body: { error: "invalid_scope" } });
  const token = String(read.body["access_token"]);
  expect((await accounts({ authorization: `Bearer ${token}` })).status).toBe(403);
});

const REFUSED: [string, () => Promise<Record<string, string>>, string][] = [
  [
    "that was used before",
    async () => {
      const parameters = { assertion: await assertion() };
      await ask(parameters);
      return parameters;
    },
    "invalid_grant",
  ],
  [
    "for another provider",
    async () => ({ assertion: await assertion({ aud: "https://other.example" }) }),
    "invalid_grant",
  ],
  [
    "that has ended",
    async () => ({
      assertion: await shop.attestor.assertion({ aud: shop.url }, Date.now() - 400_000),
    }),
    "invalid_grant",
  ],
  [
    "of another client",
    async () => ({ assertion: await assertion({ client_id: "other" }) }),
    "invalid_grant",
  ],
  [
    "of a user whose e-mail is not verified",
    async () => ({ assertion: await assertion({ email_verified: false }) }),
    "invalid_grant",
  ],
  [
    "of a user who signed in too long ago",
    async () => ({ assertion: await assertion({ auth_time: 1 }) }),
    "invalid_grant",
  ],
  [
    "of a user without an account here",
    async () => ({ assertion: await assertion({ sub: "nobody" }) }),
    "invalid_grant",
  ],
  [
    "of a user without an account, by its e-mail",
    async () => ({ assertion: await assertion({ sub: "attacker", email: "ada@example.com" }) }),
    "invalid_grant",
  ],
  [
    "for an agent without consent",
    async () => ({ assertion: await assertion({ agent: "agent-9" }) }),
    "invalid_grant",
  ],
  [
    "for another resource",
    async () => ({ assertion: await assertion(), resource: "https://other.example" }),
    "invalid_target",
  ],
  ["that is none", async () => ({ assertion: "a.b.c" }), "invalid_grant"],
];

test.each(REFUSED)("an assertion %s is refused", async (_, parameters, error) => {
  expect(await ask(await parameters())).toMatchObject({ status: 400, body: { error } });
});

test("an assertion that somebody else signed is refused", async () => {
  await using other = await startAttestor();
  const forged = await other.assertion({ aud: shop.url });
  expect((await ask({ assertion: forged })).body["error"]).toBe("invalid_grant");
});

test("a refresh token for another resource is refused", async () => {
  const refresh = async (resource: string) => {
    const { refreshToken } = await connect(shop.attestor, shop.url);
    return ask({ grant_type: "refresh_token", refresh_token: refreshToken, resource });
  };
  expect(await refresh("https://other.example")).toMatchObject({
    status: 400,
    body: { error: "invalid_target" },
  });
  expect((await refresh(shop.url)).status).toBe(200);
});
