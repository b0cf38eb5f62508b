import { expect, test } from "vitest";
import { accountRequest, connect, pkce, sendSigned, startAttestor } from "./attestor.ts";
import { openShop, type Shop } from "./shop.ts";

type Changes = Record<string, unknown> & { subject?: string; email?: string | undefined };

/** Sends an account request with these changes. */
async function request(shop: Shop, changes: Changes = {}) {
  const { subject = "user-1", email = "ada@example.com" } = changes;
  const challenge = pkce().challenge;
  const user = { audience: shop.url, challenge, subject, email };
  const body = { ...(await accountRequest(shop.attestor, user)), ...changes };
  return sendSigned(shop.attestor, `${shop.url}/provisioning/account_requests`, { body });
}

test("a new user gets an account and a code, without a page", async () => {
  await using shop = await openShop();
  const { status, body } = await request(shop);
  expect([status, body.type]).toEqual([200, "oauth"]);
  expect(body.oauth.code).toMatch(/^[\w-]{20,}$/);
});

const REFUSED: [string, (shop: Shop) => Changes | Promise<Changes>, number, string][] = [
  [
    "without a verified e-mail",
    () => ({ kyc: { verified_fields: ["name"] } }),
    403,
    "email_not_verified",
  ],
  [
    "that has expired",
    () => ({ expires_at: "2020-01-01T00:00:00Z" }),
    400,
    "account_request_expired",
  ],
  ["of another client", () => ({ client_id: "somebody-else" }), 403, "forbidden"],
  ["without an e-mail", () => ({ email: undefined }), 400, "invalid_request"],
  ["without PKCE", () => ({ code_challenge: undefined }), 400, "invalid_request"],
  ["with plain PKCE", () => ({ code_challenge_method: "plain" }), 400, "invalid_request"],
  [
    "with settings where an account takes none",
    () => ({ configuration: { region: "eu" } }),
    400,
    "invalid_configuration",
  ],
  ["without a mandate", () => ({ mandate: undefined }), 400, "invalid_request"],
  ["with an unsigned mandate", () => ({ mandate: "a.b.c" }), 403, "mandate_invalid"],
  [
    "with a mandate for another provider",
    async ({ attestor }) => ({ mandate: await attestor.mandate({ aud: "vercel" }) }),
    403,
    "mandate_invalid",
  ],
  [
    "with a mandate that has expired",
    async ({ attestor }) => ({ mandate: await attestor.mandate({ exp: 1_000_000_000 }) }),
    403,
    "mandate_invalid",
  ],
  ["without an assertion", () => ({ identity_assertion: undefined }), 400, "invalid_request"],
  ["with an unsigned assertion", () => ({ identity_assertion: "a.b.c" }), 403, "assertion_invalid"],
  [
    "with the mandate in the assertion's place",
    async ({ attestor }) => ({ identity_assertion: await attestor.mandate() }),
    403,
    "assertion_invalid",
  ],
  [
    "whose assertion is for another provider",
    async ({ attestor }) => ({
      identity_assertion: await attestor.assertion({ aud: "https://vercel.example" }),
    }),
    403,
    "assertion_invalid",
  ],
  [
    "whose assertion has ended",
    async ({ attestor, url }) => ({
      identity_assertion: await attestor.assertion({ aud: url }, Date.now() - 310_000),
    }),
    403,
    "assertion_invalid",
  ],
  [
    "whose assertion is about another user",
    async ({ attestor, url }) => ({
      identity_assertion: await attestor.assertion({ aud: url, sub: "user-2" }),
    }),
    403,
    "assertion_invalid",
  ],
  [
    "whose assertion names another e-mail",
    async ({ attestor, url }) => ({
      identity_assertion: await attestor.assertion({ aud: url, email: "eve@example.com" }),
    }),
    403,
    "assertion_invalid",
  ],
  [
    "whose assertion names another client",
    async ({ attestor, url }) => ({
      identity_assertion: await attestor.assertion({ aud: url, client_id: "somebody-else" }),
    }),
    403,
    "assertion_invalid",
  ],
  [
    "whose assertion says that the e-mail is not verified",
    async ({ attestor, url }) => ({
      identity_assertion: await attestor.assertion({ aud: url, email_verified: false }),
    }),
    403,
    "email_not_verified",
  ],
  [
    "of a user who signed in more than an hour ago",
    async ({ attestor, url }) => ({
      identity_assertion: await attestor.assertion({
        aud: url,
        auth_time: Math.floor(Date.now() / 1000) - 3605,
      }),
    }),
    403,
    "reauthentication_required",
  ],
];

test.each(REFUSED)(
  "an account request %s is refused, and makes no account",
  async (_, change, status, code) => {
    await using shop = await openShop();
    const refused = await request(shop, await change(shop));
    expect(refused).toMatchObject({ status, body: { type: "error", error: { code } } });
    // The same e-mail is new for another user: nothing was made for the first.
    expect((await request(shop, { subject: "user-2" })).body.type).toBe("oauth");
  },
);

test("an assertion opens one account request, also after a restart", async () => {
  await using shop = await openShop();
  const used = { identity_assertion: await shop.attestor.assertion({ aud: shop.url }) };
  expect((await request(shop, used)).body.type).toBe("oauth");
  expect((await request(shop, used)).body.error.code).toBe("assertion_invalid");
  await shop.reopen();
  expect((await request(shop, used)).body.error.code).toBe("assertion_invalid");
});

test("an assertion that another orchestrator signed does not count", async () => {
  await using other = await startAttestor({ issuer: "https://other.test" });
  await using shop = await openShop();
  const iss = shop.attestor.issuer;
  const identity_assertion = await other.assertion({ aud: shop.url, iss });
  expect((await request(shop, { identity_assertion })).body.error.code).toBe("assertion_invalid");
});

test("a mandate that another orchestrator signed does not count", async () => {
  await using other = await startAttestor({ issuer: "https://other.test" });
  await using shop = await openShop();
  const mandate = await other.mandate({ iss: shop.attestor.issuer });
  expect(await request(shop, { mandate })).toMatchObject({
    status: 403,
    body: { error: { code: "mandate_invalid" } },
  });
});

test("without the human's acceptance of the current terms nothing is made, and the answer names them", async () => {
  await using shop = await openShop();
  const older = { version: "2020-01-01", accepted_at: "2020-01-01T00:00:00Z", accepted_by: "user" };
  for (const terms of [undefined, older]) {
    expect(await request(shop, { terms })).toMatchObject({
      status: 403,
      body: {
        type: "error",
        error: {
          code: "tos_acceptance_required",
          tos_url: `${shop.url}/terms`,
          tos_version: "2026-04-30",
        },
      },
    });
  }
});

test("a known user gets a code for the same account, and need not accept the same terms again", async () => {
  await using shop = await openShop();
  const first = await connect(shop.attestor, shop.url);
  expect((await request(shop, { terms: undefined })).body.type).toBe("oauth");
  await shop.reopen();
  const again = await connect(shop.attestor, shop.url);
  expect(again.accountId).toBe(first.accountId);
});

test("a user who is asked for at once from many sides gets one account", async () => {
  await using shop = await openShop();
  const sessions = await Promise.all(
    Array.from({ length: 8 }, () => connect(shop.attestor, shop.url)),
  );
  expect(new Set(sessions.map(({ accountId }) => accountId)).size).toBe(1);
});

test("the e-mail of somebody's account opens nothing: its owner must consent", async () => {
  await using shop = await openShop();
  await connect(shop.attestor, shop.url);
  const { status, body } = await request(shop, { subject: "user-2", email: "ADA@example.com" });
  expect([status, body.type]).toEqual([200, "requires_auth"]);
  // What its owner then sees and does: consent.test.ts.
  expect(body.requires_auth.redirect.url.startsWith(`${shop.url}/oauth/authorize?`)).toBe(true);
});

test("the same user id of another orchestrator is another user", async () => {
  await using other = await startAttestor({ issuer: "https://other.test", clientId: "other" });
  await using shop = await openShop();
  shop.server.trust(other.trust);
  const ours = await connect(shop.attestor, shop.url);
  const theirs = await connect(other, shop.url, { email: "eve@example.com" });
  expect(theirs.accountId).not.toBe(ours.accountId);
});

test("the address is not open for unsigned reading or other methods", async () => {
  await using shop = await openShop();
  const url = `${shop.url}/provisioning/account_requests`;
  expect((await fetch(url)).status).toBe(400);
  expect((await sendSigned(shop.attestor, url, { method: "GET" })).status).toBe(404);
});
