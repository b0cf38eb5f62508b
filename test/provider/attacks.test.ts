/** What a stranger, a thief or a greedy agent may try against a provider of the kit, and what comes of it. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openMarket, type Market } from "../middleware/shop.ts";
import { fetchV2 } from "../middleware/stock-clients.ts";
import { pkce, read, type Session } from "./attestor.ts";
import { type OpenGreenhouse, openGreenhouseShop } from "./greenhouse.ts";

/** Another provider is paid at another address. */
const OTHER_PAY_TO = "0x4a3e500000000000000000000000000000000009";

let market: Market;
let shop: OpenGreenhouse;
let other: OpenGreenhouse;
/** A provider that is paid at the same address: a chain of shops, or a thief's. */
let twin: OpenGreenhouse;
beforeAll(async () => {
  // Of two sellers of one payee, one alone is told of a settlement; see docs/decisions/0018-duplicates.md.
  market = await openMarket({ duplicates: "refuse" });
  const facilitatorUrl = market.facilitator.url;
  [shop, other, twin] = await Promise.all([
    openGreenhouseShop({ facilitatorUrl }),
    openGreenhouseShop({ facilitatorUrl, payTo: OTHER_PAY_TO }),
    openGreenhouseShop({ facilitatorUrl }),
  ]);
});
afterAll(async () => {
  await shop[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await twin[Symbol.asyncDispose]();
  await market[Symbol.asyncDispose]();
});

const RESOURCES = "/provisioning/resources";
let users = 0;
let user: { subject: string; email: string };
beforeEach(() => {
  users += 1;
  user = { subject: `user-${users}`, email: `user${users}@example.com` };
});

async function seedOrder(at: OpenGreenhouse, session: Session) {
  const { body } = await at.call(session, "/provisioning/quotes", { service_id: "seed" });
  return { service_id: "seed", quote_id: body.id, quote_hash: body.hash };
}

/** Buys at one provider, and hands out the payment's header before it arrives. */
async function pay(at: OpenGreenhouse, session: Session, seen: (header: string) => Promise<void>) {
  const payer = await market.chain.newPayer(10_000_000n);
  const order = await seedOrder(at, session);
  const answer = await at.call(session, RESOURCES, order, {
    key: "k",
    pay: (inner) =>
      fetchV2(payer, async (input, init) => {
        const request = new Request(input, init);
        const header = request.headers.get("payment-signature");
        if (header !== null) await seen(header);
        return inner(request);
      }),
  });
  return {
    answer,
    order,
    spent: async () => 10_000_000n - (await market.chain.chain.balanceOf(payer.address)),
  };
}

test.each([
  ["of different payees", () => other],
  ["of the same payee", () => twin],
])(
  "one payment that is offered to two providers %s buys at one of them, and the money moves once",
  async (_, elsewhereOf) => {
    const another = elsewhereOf();
    const [here, there] = [await shop.session(user), await another.session(user)];
    const elsewhere = await seedOrder(another, there);
    let second: Promise<{ status: number }> | undefined;
    const { answer, spent } = await pay(shop, here, async (header) => {
      const headers = { ...there, headers: { ...there.headers, "payment-signature": header } };
      second = another.call(headers, RESOURCES, elsewhere, { key: "k" });
    });
    const statuses = [answer.status, (await second)!.status].toSorted((a, b) => a - b);
    expect(statuses[0]).toBe(200);
    expect(statuses[1]).toBeGreaterThanOrEqual(400);
    expect(await spent()).toBe(2_000_000n);
  },
);

test("a payment that has bought at one provider buys nothing later at another of the same payee, however often it is offered", async () => {
  const [here, there] = [await shop.session(user), await twin.session(user)];
  const elsewhere = await seedOrder(twin, there);
  let payment = "";
  const { answer, spent } = await pay(shop, here, async (header) => void (payment = header));
  expect(answer.status).toBe(200);
  const headers = { ...there, headers: { ...there.headers, "payment-signature": payment } };
  const made = twin.opened.done.length;
  for (let tries = 0; tries < 3; tries += 1) {
    const refused = await twin.call(headers, RESOURCES, elsewhere, { key: "k" });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    await twin.server.recover();
  }
  const withdrawn = twin.opened.done.filter((line) => line.startsWith("withdrew")).length;
  expect(twin.opened.done.length - made, "whatever was made is taken back").toBe(2 * withdrawn);
  expect(await spent()).toBe(2_000_000n);
});

test("a payment's bytes give nobody else what they bought", async () => {
  const [ada, eve] = [
    await shop.session(user),
    await shop.session({ subject: "eve", email: "eve@example.com" }),
  ];
  let stolen = "";
  const { answer, order } = await pay(shop, ada, async (header) => void (stolen = header));
  expect(answer.status).toBe(200);
  const thief = { ...eve, headers: { ...eve.headers, "payment-signature": stolen } } as Session;
  const refused = await shop.call(thief, RESOURCES, order, { key: "k" });
  expect(refused).toMatchObject({ status: 404, body: { error: { code: "quote_unknown" } } });
  const own = await shop.call(thief, RESOURCES, await seedOrder(shop, eve), { key: "k" });
  expect(own.status).toBeGreaterThanOrEqual(400);
});

test("a mandate for one provider is none at another", async () => {
  const mandate = await shop.attestor.mandate({ aud: "cloudflare" });
  await expect(shop.session({ ...user, mandate })).rejects.toThrow("mandate_invalid");
});

test("the token of one project sees and changes nothing of another, also of the same account", async () => {
  const one = await shop.session({
    ...user,
    mandate: await shop.attestor.mandate({ aud: "greenhouse", sub: "project-a" }),
  });
  const two = await shop.session({
    ...user,
    mandate: await shop.attestor.mandate({ aud: "greenhouse", sub: "project-b" }),
  });
  expect(two.accountId).toBe(one.accountId);
  const { body } = await shop.call(one, RESOURCES, { service_id: "pot:small" }, { key: "k" });
  const at = `${RESOURCES}/${body.id}`;
  for (const [path, method] of [
    ["", "GET"],
    ["/remove", "POST"],
    ["/rotate_credentials", "POST"],
    ["/update_service", "POST"],
  ]) {
    const answer = await shop.call(
      two,
      at + path,
      method === "GET" ? undefined : { service_id: "pot:large" },
      { method: method!, key: "x" },
    );
    expect([path, answer.status, answer.body.error.code]).toEqual([path, 404, "not_found"]);
  }
  const quote = await seedOrder(shop, one);
  expect((await shop.call(two, RESOURCES, quote, { key: "y" })).body.error.code).toBe(
    "quote_unknown",
  );
  const mandate = await shop.attestor.mandate({ aud: "greenhouse", sub: "project-a", version: 9 });
  const foreign = { service_id: "pot:small", mandate };
  expect((await shop.call(two, RESOURCES, foreign, { key: "z" })).body.error.code).toBe(
    "mandate_invalid",
  );
});

test("a token of one provider is nothing at another", async () => {
  const session = await shop.session(user);
  const answer = await other.call(session, "/provisioning/quotes", { service_id: "seed" });
  expect(answer.status).toBe(401);
});

test("a body that was changed after it was signed is refused, also with the payment on it", async () => {
  const session = await shop.session(user);
  const body = JSON.stringify(await seedOrder(shop, session));
  const url = shop.server.url + RESOURCES;
  const headers = {
    ...session.headers,
    ...(await shop.attestor.headers({ method: "POST", url, body })),
    "idempotency-key": "k",
  };
  const changed = body.replace("seed", "pot:large");
  const answer = await read(await fetch(url, { method: "POST", headers, body: changed }));
  expect(answer).toMatchObject({ status: 401, body: { error: { code: "invalid_signature" } } });
});

test("copies of a paid order under two keys buy once with one quote", async () => {
  const session = await shop.session(user);
  const order = await seedOrder(shop, session);
  const payers = await Promise.all([1, 2, 3].map(() => market.chain.newPayer(2_000_000n)));
  const answers = await Promise.all(
    payers.map((payer, at) =>
      shop.call(session, RESOURCES, order, {
        key: `k${at}`,
        pay: (inner) => fetchV2(payer, inner),
      }),
    ),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  const left = await Promise.all(
    payers.map(({ address }) => market.chain.chain.balanceOf(address)),
  );
  expect(left.filter((balance) => balance === 2_000_000n)).toHaveLength(2);
});

test.each([
  ["elsewhere", "https://evil.example/callback"],
  ["beside the right one", "http://127.0.0.1:1/oauth/callback"],
  ["a script", "javascript:alert(1)"],
])("an authorization that would lead %s goes nowhere", async (_, redirect_uri) => {
  const query = new URLSearchParams({
    client_id: shop.attestor.trust.clientId,
    redirect_uri,
    response_type: "code",
    scope: "account",
    code_challenge: pkce().challenge,
    code_challenge_method: "S256",
  });
  const answer = await fetch(`${shop.server.url}/oauth/authorize?${query.toString()}`, {
    redirect: "manual",
  });
  expect([answer.status, answer.headers.get("location")]).toEqual([400, null]);
});

test("what the human accepted is kept with the request that the orchestrator signed", async () => {
  const session = await shop.session(user);
  const [terms] = shop.opened.accounts.termsOf(session.accountId);
  expect(terms?.version).toBe("2026-04-30");
  expect(JSON.parse(terms?.evidence?.body ?? "{}").terms).toMatchObject({ accepted_by: "user" });
  expect(Object.keys(terms?.evidence?.signatures ?? {})).toContain("stripe-signature-v2");
});
