/** Signatures by a shared secret: beside the JWT among our own, and alone as Stripe signs, which then has its own profile. */
import { createHmac, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signHmac, verifyHmac } from "../../protocol/index.ts";
import { accountRequest, type Answer, pkce, read, startAttestor } from "./attestor.ts";
import { openBrowser } from "./browser.ts";
import { openShop, type Shop } from "./shop.ts";

const SECRET = "whsec_now";
const NEXT = "whsec_next";
const STRIPE = {
  profile: "stripe",
  issuer: "https://stripe.example",
  clientId: "stripe",
  secrets: [SECRET, NEXT],
  redirectUri: "http://127.0.0.1:9/callback",
} as const;

let shop: Shop;
const letters: { text: string }[] = [];
beforeAll(async () => {
  shop = await openShop({ mail: (letter) => void letters.push(letter) });
  shop.server.trust(STRIPE);
});
afterAll(() => shop[Symbol.asyncDispose]());

/** As anybody would write it who knows Stripe's scheme. */
function signature(body: string, { secret = SECRET, t = Math.floor(Date.now() / 1000) } = {}) {
  return `t=${t},v1=${createHmac("sha256", secret).update(`${t}.${body}`).digest("hex")}`;
}

async function send(
  path: string,
  body: string,
  {
    sign = signature(body),
    method = "POST",
    headers = {},
  }: { sign?: string; method?: string; headers?: object } = {},
): Promise<Answer> {
  const init = { method, headers: { "api-version": "0.1d", "stripe-signature": sign, ...headers } };
  return read(await fetch(shop.url + path, method === "GET" ? init : { ...init, body }));
}

/** An account request as APP 0.1d has it: no mandate, no assertion, no PKCE. */
const plain = (account: string, email = `${account}@example.com`) =>
  JSON.stringify({
    id: `acctreq_${randomUUID()}`,
    object: "account_request",
    email,
    kyc: { verified_fields: ["email"] },
    scopes: ["whatever_stripe_calls_it"],
    client_capabilities: ["browser"],
    confirmation_secret: "secret",
    expires_at: new Date(Date.now() + 60_000).toISOString(),
    orchestrator: { type: "stripe", stripe: { account } },
  });

const TOKEN_HEADERS = { "content-type": "application/x-www-form-urlencoded" };

test("Stripe gets an account, a token and a resource, by its signature alone", async () => {
  const { body } = await send("/provisioning/account_requests", plain("acct_1"));
  expect(body.type).toBe("oauth");
  const form = String(
    new URLSearchParams({ grant_type: "authorization_code", code: body.oauth.code }),
  );
  const tokens = await send("/oauth/token", form, { headers: TOKEN_HEADERS });
  expect(tokens.body).toMatchObject({ account: { payment_credentials: "orchestrator" } });
  const authorization = `Bearer ${tokens.body.access_token}`;
  const headers = { authorization, "idempotency-key": "k" };
  const order = JSON.stringify({ service_id: "kv", configuration: {} });
  const made = await send("/provisioning/resources", order, { headers });
  expect(made.body.status).toBe("complete");
  const seen = await send(`/provisioning/resources/${made.body.id}`, "", {
    method: "GET",
    headers,
  });
  expect(seen.body).toEqual(made.body);
  const again = String(
    new URLSearchParams({ grant_type: "refresh_token", refresh_token: tokens.body.refresh_token }),
  );
  expect((await send("/oauth/token", again, { headers: TOKEN_HEADERS })).status).toBe(200);
});

test("a code of Stripe's is of no use to whoever cannot sign", async () => {
  const { body } = await send("/provisioning/account_requests", plain("acct_2"));
  const grant = { grant_type: "authorization_code", code: body.oauth.code };
  for (const form of [
    grant,
    { ...grant, client_id: "stripe" },
    { ...grant, client_id: "stripe", client_secret: SECRET },
  ]) {
    const refused = await fetch(`${shop.url}/oauth/token`, {
      method: "POST",
      body: new URLSearchParams(form),
    });
    expect(refused.status).toBeGreaterThanOrEqual(400);
  }
  const unsigned = await send("/oauth/token", String(new URLSearchParams(grant)), {
    headers: TOKEN_HEADERS,
    sign: "t=1,v1=00",
  });
  expect(unsigned).toMatchObject({ status: 401, body: { error: { code: "invalid_signature" } } });
});

test("an e-mail that has an account asks its owner, also where Stripe attests it", async () => {
  await send("/provisioning/account_requests", plain("acct_3", "eve@example.com"));
  const { body } = await send("/provisioning/account_requests", plain("acct_4", "Eve@example.com"));
  expect(body.type).toBe("requires_auth");
  const browser = openBrowser();
  const login = await browser.open(body.requires_auth.redirect.url);
  const code = await browser.submit(login, {}, 'step" value="send');
  const letter = /code is ([A-Z-]+)/.exec(letters.at(-1)?.text ?? "")?.[1] ?? "";
  const consent = await browser.submit(code, { code: letter });
  expect(consent.text).toContain("https://stripe.example");
});

const REFUSED: [string, (body: string) => string][] = [
  ["by another secret", (body) => signature(body, { secret: "whsec_other" })],
  ["for another body", (body) => signature(`${body} `)],
  ["six minutes ago", (body) => signature(body, { t: Math.floor(Date.now() / 1000) - 360 })],
  [
    "for six minutes from now",
    (body) => signature(body, { t: Math.floor(Date.now() / 1000) + 360 }),
  ],
  ["without a time", (body) => signature(body).replace(/^t=\d+,/, "")],
  ["with two times", (body) => `t=1,${signature(body)}`],
  ["by nobody", () => ""],
];

test.each(REFUSED)("a request that is signed %s is refused", async (_, sign) => {
  const body = plain("acct_5");
  const refused = await send("/provisioning/account_requests", body, { sign: sign(body) });
  expect(refused).toMatchObject({ status: 401, body: { error: { code: "invalid_signature" } } });
});

test("while a secret is changed either signature counts, and one that counts is enough", async () => {
  const body = plain("acct_6");
  for (const secret of [SECRET, NEXT])
    expect(
      (await send("/provisioning/account_requests", body, { sign: signature(body, { secret }) }))
        .status,
    ).toBe(200);
  const both = signHmac(body, { secrets: ["whsec_old", NEXT], now: Date.now() });
  expect(both.match(/v1=/g)).toHaveLength(2);
  expect((await send("/provisioning/account_requests", body, { sign: both })).status).toBe(200);
  expect(() => verifyHmac(both, body, { secrets: [NEXT], now: Date.now() })).not.toThrow();
});

test("without a mandate nothing is sold", async () => {
  const { body } = await send("/provisioning/account_requests", plain("acct_7"));
  const form = String(
    new URLSearchParams({ grant_type: "authorization_code", code: body.oauth.code }),
  );
  const { body: tokens } = await send("/oauth/token", form, { headers: TOKEN_HEADERS });
  const url = `${shop.url}/client/v4/accounts/${tokens.account.id}/registrar/registrations`;
  const headers = {
    authorization: `Bearer ${tokens.access_token}`,
    "content-type": "application/json",
  };
  const refused = await fetch(url, {
    method: "POST",
    headers,
    body: '{"domain_name":"acct7.dev"}',
  });
  expect(refused.status).toBe(403);
});

test("among our own a shared secret makes the second signature a duty, and the JWT alone is refused", async () => {
  await using other = await startAttestor({ issuer: "https://own.test", clientId: "own" });
  shop.server.trust({ ...other.trust, secrets: [SECRET] });
  const { challenge } = pkce();
  const audience = shop.url;
  const url = `${audience}/provisioning/account_requests`;
  const attempt = async (sign: (body: string) => Record<string, string>) => {
    const of = { subject: "u", email: "own@example.com", mandate: await other.mandate() };
    const body = JSON.stringify(await accountRequest(other, { audience, challenge, ...of }));
    const headers = { ...(await other.headers({ method: "POST", url, body })), ...sign(body) };
    return (await fetch(url, { method: "POST", headers, body })).status;
  };
  expect(await attempt(() => ({}))).toBe(401);
  expect(await attempt((body) => ({ "stripe-signature": signature(body, { secret: NEXT }) }))).toBe(
    401,
  );
  expect(await attempt((body) => ({ "stripe-signature": signature(body) }))).toBe(200);
});

test("the HMAC alone is nobody's but Stripe's: our own cannot leave their JWT out", async () => {
  await using own = await startAttestor({ issuer: "https://own2.test", clientId: "own2" });
  shop.server.trust({ ...own.trust, secrets: ["whsec_own2"] });
  const body = plain("acct_8");
  const refused = await send("/provisioning/account_requests", body, {
    sign: signature(body, { secret: "whsec_own2" }),
  });
  expect(refused.status).toBe(401);
});
