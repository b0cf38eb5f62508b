/** Several agents share an account, each with what its owner allowed it, and the owner takes that back one by one. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { accountRequest, connect, exchange, pkce, sendSigned, startAttestor } from "./attestor.ts";
import { type Browser, openBrowser, type Page } from "./browser.ts";
import { type OpenGreenhouse, openGreenhouseShop } from "./greenhouse.ts";

let shop: OpenGreenhouse;
let browser: Browser;
let letters: { text: string }[];
beforeEach(async () => {
  letters = [];
  const mail = (letter: { text: string }) => void letters.push(letter);
  shop = await openGreenhouseShop({ facilitatorUrl: "http://127.0.0.1:9", mail });
  browser = openBrowser();
});
afterEach(() => shop[Symbol.asyncDispose]());

const GARDENER = { id: "agent-1", name: "Gardener" };
const ACCOUNTANT = { id: "agent-2", name: "Accountant" };
const RESOURCES = "/provisioning/resources";

const lastCode = () => /code is ([A-Z-]+)/.exec(letters.at(-1)?.text ?? "")?.[1] ?? "";

async function ask(changes: object) {
  const { verifier, challenge } = pkce();
  const mandate = await shop.attestor.mandate({ aud: "greenhouse" });
  const audience = shop.server.url;
  const body = await accountRequest(shop.attestor, { audience, challenge, mandate, ...changes });
  const url = `${audience}/provisioning/account_requests`;
  return { verifier, ...(await sendSigned(shop.attestor, url, { body })) };
}

/** The owner opens the page that was answered, signs in, and approves; the agent's session. */
async function approve({ body, verifier }: Awaited<ReturnType<typeof ask>>) {
  const login = await browser.open(body.requires_auth.redirect.url);
  const code = await browser.submit(login, {}, 'step" value="send');
  const consent = await browser.submit(code, { code: lastCode() });
  const back = await browser.submit(consent, { answer: "approve" });
  const given = new URL(back.url).searchParams.get("code") ?? "";
  const { body: tokens } = await exchange(shop.attestor, shop.server.url, given, verifier);
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  return {
    consent,
    accountId: tokens.account.id,
    token: tokens.access_token,
    refreshToken: tokens.refresh_token,
    headers,
  };
}

const first = (scopes: string[] = []) => shop.session({ agent: GARDENER, scopes } as object);

async function dashboard(session: { headers: { authorization: string } }): Promise<Page> {
  const { body } = await shop.call(session as never, "/provisioning/deep_links", {
    purpose: "dashboard",
  });
  return browser.open(body.url);
}

test("a second agent of the same user asks the owner, and gets no more than was approved", async () => {
  const gardener = await first();
  const asked = await ask({ agent: ACCOUNTANT, scopes: ["resources:read"] });
  expect(asked.body.type).toBe("requires_auth");
  const accountant = await approve(asked);
  expect(accountant.accountId).toBe(gardener.accountId);
  expect(accountant.consent.text).toContain("Accountant");
  expect(accountant.consent.text).toContain("look at its services");
  expect(
    await shop.call(accountant, RESOURCES, { service_id: "pot:small" }, { key: "k" }),
  ).toMatchObject({ status: 403, body: { error: { code: "insufficient_scope" } } });
  expect(
    (await shop.call(gardener, RESOURCES, { service_id: "pot:small" }, { key: "k" })).status,
  ).toBe(200);
  // From now on it is let in silently, for this and nothing more.
  expect((await ask({ agent: ACCOUNTANT, scopes: ["resources:read"] })).body.type).toBe("oauth");
  expect((await ask({ agent: ACCOUNTANT, scopes: ["payments"] })).body.type).toBe("requires_auth");
});

test("who may not pay is not asked a price", async () => {
  const gardener = await first(["resources:write"]);
  const { body } = await shop.call(gardener, "/provisioning/quotes", { service_id: "seed" });
  const order = { service_id: "seed", quote_id: body.id, quote_hash: body.hash };
  expect(await shop.call(gardener, RESOURCES, order, { key: "k" })).toMatchObject({
    status: 403,
    body: { status: "error", error: { code: "insufficient_scope" } },
  });
});

test("a scope that there is not is refused", async () => {
  expect((await ask({ scopes: ["everything"] })).body).toMatchObject({
    type: "error",
    error: { code: "invalid_scope" },
  });
});

test("a refreshed token is for no more than before", async () => {
  const { refreshToken } = await first(["resources:read"]);
  const form = { grant_type: "refresh_token", refresh_token: refreshToken, scope: "account" };
  const body = new URLSearchParams({ ...form, client_id: shop.attestor.trust.clientId });
  const answer = await fetch(`${shop.server.url}/oauth/token`, { method: "POST", body });
  expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
    400,
    "invalid_scope",
  ]);
});

test("what is unlinked, one agent or all, is over: its tokens open nothing and are not renewed, its owner is asked again, and no other orchestrator can do it, or sign in", async () => {
  const gardener = await first();
  const accountant = await approve(await ask({ agent: ACCOUNTANT, scopes: ["resources:read"] }));
  const agentAlone = await shop.call(gardener, "/provisioning/unlink", { agent: ACCOUNTANT.id });
  expect([agentAlone.status, await renewed(accountant)]).toEqual([200, 400]);
  expect((await ask({ agent: ACCOUNTANT, scopes: ["resources:read"] })).body.type).toBe(
    "requires_auth",
  );

  await using other = await startAttestor({ issuer: "https://other.test", clientId: "other" });
  shop.server.trust(other.trust);
  const body = { purpose: "dashboard" };
  for (const path of ["/provisioning/unlink", "/provisioning/deep_links"]) {
    const sent = { body, headers: gardener.headers };
    const foreign = await sendSigned(other, shop.server.url + path, sent);
    expect(foreign).toMatchObject({ status: 403, body: { error: { code: "forbidden" } } });
  }

  const unlinked = await shop.call(gardener, "/provisioning/unlink", {});
  expect(unlinked).toMatchObject({ status: 200, body: { status: "unlinked" } });
  const after = await shop.call(gardener, "/provisioning/quotes", { service_id: "seed" });
  expect([after.status, await renewed(gardener)]).toEqual([401, 400]);
  expect((await ask({ agent: GARDENER })).body.type).toBe("requires_auth");
});

/** The status of the answer to a token request with its refresh token. */
async function renewed({ refreshToken }: { refreshToken: string }): Promise<number> {
  const refresh = { grant_type: "refresh_token", refresh_token: refreshToken };
  const body = new URLSearchParams({ ...refresh, client_id: shop.attestor.trust.clientId });
  return (await fetch(`${shop.server.url}/oauth/token`, { method: "POST", body })).status;
}

test("the owner sees every agent and what it may do, and revokes one: its tokens end, the other's hold", async () => {
  const gardener = await first();
  const accountant = await approve(await ask({ agent: ACCOUNTANT, scopes: ["resources:read"] }));
  const page = await dashboard(gardener);
  for (const text of ["ada@example.com", "Gardener", "Accountant", "look at its services"])
    expect(page.text).toContain(text);
  const part = page.text.slice(page.text.indexOf("Accountant"));
  const [, consent = ""] = /name="consent" value="(\d+)"/.exec(part) ?? [];
  const after = await browser.submit(
    page,
    {},
    `name="consent" value="${consent}"><input type="hidden" name="scope" value=""`,
  );
  expect(after.text).not.toContain("Accountant");
  const look = (session: typeof accountant | typeof gardener) =>
    shop.call(session, "/provisioning/quotes", { service_id: "seed" });
  expect((await look(accountant)).status).toBe(401);
  expect((await look(gardener)).status).toBe(200);
  expect(await renewed(accountant)).toBe(400);
  expect((await ask({ agent: ACCOUNTANT, scopes: ["resources:read"] })).body.type).toBe(
    "requires_auth",
  );
});

test("one scope is taken back by itself, and what needs it ends", async () => {
  const gardener = await first(["resources:read", "resources:write"]);
  const reader = await shop.session({ agent: GARDENER, scopes: ["resources:read"] } as object);
  const owner = await connectOwner();
  const page = await browser.submit(owner, {}, 'name="scope" value="resources:write"');
  expect(page.text).not.toContain("resources:write");
  expect((await shop.call(gardener, "/provisioning/quotes", { service_id: "seed" })).status).toBe(
    401,
  );
  expect((await shop.call(reader, "/provisioning/quotes", { service_id: "seed" })).status).toBe(
    200,
  );
});

/** The owner signs in by themselves, with a mailed code. */
async function connectOwner(): Promise<Page> {
  const email = await browser.open(`${shop.server.url}/provisioning/account`);
  const code = await browser.submit(email, { email: "ada@example.com" });
  return browser.submit(code, { code: lastCode() });
}

test("a deep link opens once, for whoever may act for the account, and leads nowhere else", async () => {
  const gardener = await first();
  const { body } = await shop.call(gardener, "/provisioning/deep_links", { purpose: "dashboard" });
  expect((await openBrowser().open(body.url)).text).toContain("Your The Greenhouse account");
  expect((await openBrowser().open(body.url)).status).toBe(410);
  for (const path of [
    "//evil.example",
    "/\\evil.example",
    "https://evil.example",
    "/a/../..//evil",
  ]) {
    const refused = await shop.call(gardener, "/provisioning/deep_links", {
      purpose: "dashboard",
      path,
    });
    expect([path, refused.status]).toEqual([path, 400]);
  }
  const reader = await shop.session({ agent: GARDENER, scopes: ["resources:read"] } as object);
  const denied = await shop.call(reader, "/provisioning/deep_links", { purpose: "dashboard" });
  expect(denied).toMatchObject({ status: 403, body: { error: { code: "insufficient_scope" } } });
  const none = await shop.call(gardener, "/provisioning/deep_links", { purpose: "billing" });
  expect(none.body.error.code).toBe("not_supported");
});

test("a form of another site, or another browser's token, revokes nothing", async () => {
  const gardener = await first();
  const page = await dashboard(gardener);
  const form = { step: "revoke", consent: "1", scope: "" };
  const forged = await fetch(page.url, { method: "POST", body: new URLSearchParams(form) });
  expect(forged.status).toBe(403);
  const other = openBrowser();
  const theirs = await other.open(page.url);
  const [, token = ""] = /name="token" value="([^"]*)"/.exec(theirs.text) ?? [];
  const tampered = {
    ...page,
    text: page.text.replaceAll(/name="token" value="[^"]*"/g, `name="token" value="${token}"`),
  };
  expect((await browser.submit(tampered, {}, 'name="scope" value=""')).status).toBe(403);
  expect((await shop.call(gardener, "/provisioning/quotes", { service_id: "seed" })).status).toBe(
    200,
  );
});

test("another account's consent cannot be revoked", async () => {
  const ada = await first();
  const bob = await shop.session({ subject: "user-2", email: "bob@example.com" });
  const page = await dashboard(bob);
  const tampered = {
    ...page,
    text: page.text.replaceAll('name="consent" value="2"', 'name="consent" value="1"'),
  };
  await browser.submit(tampered, {}, 'name="scope" value=""');
  expect((await shop.call(ada, "/provisioning/quotes", { service_id: "seed" })).status).toBe(200);
});

test("an agent without a name is one agent", async () => {
  await connect(shop.attestor, shop.server.url, {
    mandate: await shop.attestor.mandate({ aud: "greenhouse" }),
  });
  expect((await ask({})).body.type).toBe("oauth");
  expect((await ask({ agent: GARDENER })).body.type).toBe("requires_auth");
});
