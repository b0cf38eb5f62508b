import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  accountRequest,
  type Attestor,
  connect,
  exchange,
  pkce,
  read,
  sendSigned,
  startAttestor,
} from "./attestor.ts";
import { openDatabase } from "../../store/index.ts";
import { openOAuthStorage } from "../../provider/kit/oauth-adapter.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { openShop, v4 } from "./shop.ts";

/** A fresh code and the verifier that it is bound to. */
async function codeFor(attestor: Attestor, url: string) {
  const { verifier, challenge } = pkce();
  const body = await accountRequest(attestor, { audience: url, challenge });
  const answer = await sendSigned(attestor, `${url}/provisioning/account_requests`, { body });
  return { code: answer.body.oauth.code as string, verifier };
}

function refresh(url: string, token: string, clientId = "test-orchestrator") {
  const form = { grant_type: "refresh_token", refresh_token: token, client_id: clientId };
  return fetch(`${url}/oauth/token`, { method: "POST", body: new URLSearchParams(form) }).then(
    read,
  );
}

test("publishes where its endpoints are, and that PKCE is S256", async () => {
  await using shop = await openShop();
  const { body } = await read(await fetch(`${shop.url}/.well-known/openid-configuration`));
  expect(body).toMatchObject({
    issuer: shop.url,
    token_endpoint: `${shop.url}/oauth/token`,
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: ["none"],
  });
});

test("a 401 leads to the authorization server, under the names of both standards", async () => {
  await using shop = await openShop();
  const refused = await fetch(`${shop.url}/client/v4/accounts`);
  const [, address] =
    /resource_metadata="([^"]+)"/.exec(refused.headers.get("www-authenticate") ?? "") ?? [];
  const { body: resource } = await read(await fetch(address ?? ""));
  expect(resource).toMatchObject({ resource: shop.url, authorization_servers: [shop.url] });
  const metadata = `${resource.authorization_servers[0]}/.well-known/oauth-authorization-server`;
  const { body } = await read(await fetch(metadata));
  expect(body).toMatchObject({ issuer: shop.url, token_endpoint: `${shop.url}/oauth/token` });
});

test("a code becomes a token for the account, which holds for an hour at least", async () => {
  await using shop = await openShop();
  const { code, verifier } = await codeFor(shop.attestor, shop.url);
  const { status, body } = await exchange(shop.attestor, shop.url, code, verifier);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    token_type: "Bearer",
    account: { id: expect.stringMatching(/^[0-9a-f]{32}$/), payment_credentials: "orchestrator" },
  });
  expect(body.expires_in).toBeGreaterThanOrEqual(3600);
});

test("a code is worth nothing with another verifier, and still holds for the right one", async () => {
  await using shop = await openShop();
  const { code, verifier } = await codeFor(shop.attestor, shop.url);
  const wrong = await exchange(shop.attestor, shop.url, code, pkce().verifier);
  expect(wrong).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
  expect((await exchange(shop.attestor, shop.url, code, verifier)).status).toBe(200);
});

test("a code without any verifier is refused", async () => {
  await using shop = await openShop();
  const { code } = await codeFor(shop.attestor, shop.url);
  expect((await exchange(shop.attestor, shop.url, code, "")).status).toBe(400);
});

test("a code that is used a second time is refused, and what it gave is taken back", async () => {
  await using shop = await openShop();
  const { code, verifier } = await codeFor(shop.attestor, shop.url);
  const { body } = await exchange(shop.attestor, shop.url, code, verifier);
  expect((await exchange(shop.attestor, shop.url, code, verifier)).status).toBe(400);
  const session = {
    accountId: body.account.id,
    token: body.access_token,
    refreshToken: "",
    headers: { authorization: `Bearer ${body.access_token}` },
  };
  expect((await v4(shop, session, "GET", "")).status).toBe(401);
});

test("of many that use one code at once, one gets a token at most", async () => {
  await using shop = await openShop();
  const { code, verifier } = await codeFor(shop.attestor, shop.url);
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => exchange(shop.attestor, shop.url, code, verifier)),
  );
  expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
});

test("of two that found a code unused, also in two processes, one alone uses it up", async () => {
  using folder = temporaryFolder();
  using database = openDatabase(join(folder.path, "oauth.sqlite"));
  const consumedTwice = () => new Error("used before");
  const storage = () =>
    openOAuthStorage({ database, findClient: () => undefined, consumedTwice }).adapter(
      "AuthorizationCode",
    );
  const [one, two] = [storage(), storage()];
  await one.upsert("code", { grantId: "g" }, 60);
  expect([await one.find("code"), await two.find("code")]).toEqual([
    expect.not.objectContaining({ consumed: expect.anything() as unknown }),
    expect.not.objectContaining({ consumed: expect.anything() as unknown }),
  ]);
  await one.consume("code");
  await expect(two.consume("code")).rejects.toThrow("used before");
});

test("another orchestrator cannot use a code that it was not given", async () => {
  await using other = await startAttestor({ issuer: "https://other.test", clientId: "other" });
  await using shop = await openShop();
  shop.server.trust(other.trust);
  const { code, verifier } = await codeFor(shop.attestor, shop.url);
  expect((await exchange(other, shop.url, code, verifier)).body.error).toBe("invalid_grant");
});

test("an unknown client is refused", async () => {
  await using shop = await openShop();
  const { refreshToken } = await connect(shop.attestor, shop.url);
  expect(await refresh(shop.url, refreshToken, "nobody")).toMatchObject({
    status: 401,
    body: { error: "invalid_client" },
  });
});

test("tokens survive a restart", async () => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  await shop.reopen();
  expect((await v4(shop, session, "GET", "")).status).toBe(200);
  expect((await refresh(shop.url, session.refreshToken)).body.account.id).toBe(session.accountId);
});

test("a refresh token gives a new pair once, and the new one acts for the same connection", async () => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  const { body } = await refresh(shop.url, session.refreshToken);
  const renewed = { ...session, headers: { authorization: `Bearer ${body.access_token}` } };
  expect((await v4(shop, renewed, "GET", "")).status).toBe(200);
  expect((await refresh(shop.url, session.refreshToken)).status).toBe(400);
});

test("a revoked token opens nothing", async () => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  const form = new URLSearchParams({ token: session.token, client_id: "test-orchestrator" });
  expect((await fetch(`${shop.url}/oauth/revoke`, { method: "POST", body: form })).status).toBe(
    200,
  );
  expect((await v4(shop, session, "GET", "")).status).toBe(401);
});

test("a token that was made for another audience opens nothing", async () => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  expect((await v4(shop, session, "GET", "")).status).toBe(200);
  {
    using database = openDatabase(join(shop.dir, "provider.sqlite"));
    const other = "json_set(payload, '$.aud', 'https://other.example')";
    database.run(`UPDATE oauth_item SET payload = ${other} WHERE model = 'AccessToken'`);
  }
  expect((await v4(shop, session, "GET", "")).status).toBe(401);
});

test("no token and no code lies in the provider's folder as it is", async () => {
  await using shop = await openShop();
  const { code, verifier } = await codeFor(shop.attestor, shop.url);
  const { body } = await exchange(shop.attestor, shop.url, code, verifier);
  await shop.server.close();
  const files = readdirSync(shop.dir).filter((name) => name.startsWith("provider.sqlite"));
  const bytes = files.map((name) => readFileSync(join(shop.dir, name), "latin1")).join("");
  for (const secret of [code, body.access_token, body.refresh_token]) {
    expect(bytes).not.toContain(secret);
  }
});

test.each(["", "Bearer ", "Bearer nonsense", "Basic dXNlcjpwYXNz"])(
  "the API refuses the authorization %j",
  async (authorization) => {
    await using shop = await openShop();
    const answer = await read(
      await fetch(`${shop.url}/client/v4/accounts`, { headers: { authorization } }),
    );
    expect(answer).toMatchObject({
      status: 401,
      body: { success: false, errors: [{ code: 10000 }], error: { code: "unauthorized" } },
    });
  },
);
