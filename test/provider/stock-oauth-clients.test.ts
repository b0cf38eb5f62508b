/** The authorization server as any OAuth client meets it: unmodified openid-client and oauth4webapi, an owner in a browser. */
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connect } from "./attestor.ts";
import { openBrowser, type Browser } from "./browser.ts";
import { openShop, type Shop } from "./shop.ts";

let shop: Shop;
let browser: Browser;
let letters: { text: string }[];
let accountId: string;
let redirectUri: string;
beforeEach(async () => {
  letters = [];
  shop = await openShop({ mail: (letter) => void letters.push(letter) });
  browser = openBrowser();
  ({ accountId } = await connect(shop.attestor, shop.url));
  redirectUri = new URL("/oauth/callback", shop.attestor.trust.keysUrl).href;
});
afterEach(() => shop[Symbol.asyncDispose]());

/** Opens the address, signs in with the mailed code and approves; where the browser then is. */
async function approve(url: string): Promise<string> {
  const login = await browser.open(url);
  const code = await browser.submit(login, { email: "ada@example.com" });
  const letter = /code is ([A-Z-]+)/.exec(letters.at(-1)?.text ?? "")?.[1] ?? "";
  const consent = await browser.submit(code, { code: letter });
  return (await browser.submit(consent, { answer: "approve" })).url;
}

async function accountsSeenWith(token: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${shop.url}/client/v4/accounts`, { headers });
  const { result } = (await response.json()) as { result?: { id: string }[] };
  return result?.map(({ id }) => id);
}

test("openid-client: discovery, code with PKCE, refresh, introspection, revocation", async () => {
  const { clientId } = shop.attestor.trust;
  const options = { algorithm: "oauth2" as const, execute: [client.allowInsecureRequests] };
  const config = await client.discovery(
    new URL(shop.url),
    clientId,
    undefined,
    client.None(),
    options,
  );
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: "account",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
  });
  const back = await approve(url.href);
  const tokens = await client.authorizationCodeGrant(config, new URL(back), {
    pkceCodeVerifier,
    expectedState,
  });
  expect(await accountsSeenWith(tokens.access_token)).toEqual([accountId]);
  expect(await client.tokenIntrospection(config, tokens.access_token)).toMatchObject({
    active: true,
    client_id: clientId,
    scope: "account",
  });
  const fresh = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
  expect(await accountsSeenWith(fresh.access_token)).toEqual([accountId]);
  await client.tokenRevocation(config, fresh.access_token);
  expect(await accountsSeenWith(fresh.access_token)).toBeUndefined();
});

test("openid-client: a device code", async () => {
  const { clientId } = shop.attestor.trust;
  const execute = [client.allowInsecureRequests];
  const config = await client.discovery(new URL(shop.url), clientId, undefined, client.None(), {
    algorithm: "oauth2",
    execute,
  });
  const device = await client.initiateDeviceAuthorization(config, { scope: "account" });
  const enter = await browser.open(device.verification_uri);
  const confirm = await browser.submit(enter, { user_code: device.user_code });
  const login = await browser.submit(confirm, { confirm: "yes" });
  await approve(login.url);
  const polled = { ...device, interval: 0 };
  const tokens = await client.pollDeviceAuthorizationGrant(config, polled);
  expect(await accountsSeenWith(tokens.access_token)).toEqual([accountId]);
});

test("oauth4webapi: pushed request, code with PKCE", async () => {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(shop.url);
  const found = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure });
  const as = await oauth.processDiscoveryResponse(issuer, found);
  const me = { client_id: shop.attestor.trust.clientId };
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const asked = new URLSearchParams({
    client_id: me.client_id,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "account",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
  });
  const pushed = await oauth.processPushedAuthorizationResponse(
    as,
    me,
    await oauth.pushedAuthorizationRequest(as, me, oauth.None(), asked, insecure),
  );
  const url = new URL(as.authorization_endpoint ?? "");
  url.searchParams.set("client_id", me.client_id);
  url.searchParams.set("request_uri", pushed.request_uri);
  const params = oauth.validateAuthResponse(as, me, new URL(await approve(url.href)), state);
  const answer = await oauth.authorizationCodeGrantRequest(
    as,
    me,
    oauth.None(),
    params,
    redirectUri,
    verifier,
    insecure,
  );
  const tokens = await oauth.processAuthorizationCodeResponse(as, me, answer);
  expect(await accountsSeenWith(tokens.access_token)).toEqual([accountId]);
});

test("whether an address has an account is not said", async () => {
  const asked = new URLSearchParams({
    client_id: shop.attestor.trust.clientId,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "account",
    code_challenge: "x".repeat(43),
    code_challenge_method: "S256",
  });
  const login = await browser.open(`${shop.url}/oauth/authorize?${asked.toString()}`);
  const known = await browser.submit(login, { email: "ada@example.com" });
  const unknown = await browser.submit(login, { email: "nobody@example.com" });
  expect([unknown.status, unknown.text]).toEqual([known.status, known.text]);
  expect(letters).toHaveLength(1);
});
