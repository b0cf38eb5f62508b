import { privateKeyToAccount, generatePrivateKey } from "viem/accounts";
import type { LocalAccount } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Offer, parseChallenge } from "../../protocol/index.ts";
import { fetchV1, fetchV2 } from "../middleware/stock-clients.ts";
import { openMarket, type Market } from "../middleware/shop.ts";
import { connect, read, sendSigned, type Session } from "./attestor.ts";
import { answering, openShop, PAY_TO, type Shop, upload, v4 } from "./shop.ts";

let market: Market;
beforeAll(async () => {
  market = await openMarket();
});
afterAll(() => market[Symbol.asyncDispose]());

const PRICE_OF_DEV = 12_180_000n;
const open = (changes: Parameters<typeof openShop>[0] = {}) =>
  openShop({ facilitatorUrl: market.facilitator.url, ...changes });

/** Asks for a registration, with whatever fetch is handed in: the plain one meets the 402, a stock client pays it. */
async function register(
  shop: Shop,
  session: Session,
  domain: string,
  pay: typeof fetch = fetch,
  extra: Record<string, string> = {},
) {
  const url = `${shop.url}/client/v4/accounts/${session.accountId}/registrar/registrations`;
  const headers = { ...session.headers, "content-type": "application/json", ...extra };
  const response = await pay(url, {
    method: "POST",
    headers,
    body: JSON.stringify({ domain_name: domain }),
  });
  return { response, ...(await read(response.clone())) };
}

async function offersFor(shop: Shop, session: Session, domain: string): Promise<Offer[]> {
  const { response } = await register(shop, session, domain);
  expect(response.status).toBe(402);
  return parseChallenge({
    header: response.headers.get("PAYMENT-REQUIRED"),
    body: await response.text(),
  });
}

async function balances(payer: LocalAccount) {
  const { chain } = market.chain;
  return { payer: await chain.balanceOf(payer.address), shop: await chain.balanceOf(PAY_TO) };
}

test("an unpaid registration asks the catalog's price, for the profile's payee, at the public URL, for both versions", async () => {
  await using shop = await open();
  const session = await connect(shop.attestor, shop.url);
  const offers = await offersFor(shop, session, "nimbus.dev");
  expect(offers.map(({ x402Version }) => x402Version).toSorted((a, b) => a - b)).toEqual([1, 2]);
  for (const offer of offers) {
    expect(offer).toMatchObject({
      amount: PRICE_OF_DEV,
      payTo: PAY_TO,
      network: "eip155:84532",
      resource: `${shop.url}/client/v4/accounts/${session.accountId}/registrar/registrations`,
    });
  }
});

const CLIENTS: [string, (payer: LocalAccount) => Promise<typeof fetch> | typeof fetch][] = [
  ["x402-fetch (v1)", (payer) => fetchV1(payer, market.chain.rpcUrl)],
  ["@x402/fetch (v2)", fetchV2],
];

test.each(CLIENTS)(
  "a stock %s client registers a domain with the granted token, and it can be served",
  async (_, client) => {
    await using shop = await open();
    const session = await connect(shop.attestor, shop.url);
    const payer = await market.chain.newPayer(50_000_000n);
    const before = await balances(payer);
    const { status, body } = await register(shop, session, "nimbus.dev", await client(payer));
    expect(status).toBe(201);
    expect(body).toMatchObject({
      success: true,
      result: { domain_name: "nimbus.dev", status: "active", auto_renew: false },
    });
    const after = await balances(payer);
    expect(before.payer - after.payer).toBe(PRICE_OF_DEV);
    expect(after.shop - before.shop).toBe(PRICE_OF_DEV);
    expect(shop.server.opened.findRegistration("nimbus.dev")).toMatchObject({
      accountId: session.accountId,
      state: "active",
    });

    await v4(shop, session, "PUT", "/workers/scripts/site", upload(answering("beans")));
    const attach = { hostname: "nimbus.dev", service: "site", environment: "production" };
    const { body: attached } = await v4(shop, session, "PUT", "/workers/domains", attach);
    expect(attached.result.hostname).toBe("nimbus.dev");
    expect(await (await fetch(attached.result.url)).text()).toBe("beans");
    const www = { ...attach, hostname: "www.nimbus.dev" };
    expect((await v4(shop, session, "PUT", "/workers/domains", www)).status).toBe(200);
  },
);

test("a registration and the mandate's month survive a restart", async () => {
  await using shop = await open();
  const mandate = await shop.attestor.mandate({ max_amount_per_month: "20.00" });
  const session = await connect(shop.attestor, shop.url, { mandate });
  const payer = await market.chain.newPayer(50_000_000n);
  expect((await register(shop, session, "nimbus.dev", fetchV2(payer))).status).toBe(201);
  await shop.reopen();
  const list = await v4(shop, session, "GET", "/registrar/registrations");
  expect(list.body.result).toMatchObject([{ domain_name: "nimbus.dev" }]);
  expect((await register(shop, session, "cumulus.dev")).body.error).toMatchObject({
    code: "spend_limit_exceeded",
    cap: "20.00",
    spent: "12.18",
    requested: "12.18",
  });
});

const UNSELLABLE: [string, string, number][] = [
  ["that somebody owns from the start", "google.com", 409],
  ["below an extension that is not sold", "nimbus.zzz", 409],
  ["that is no name", "nim bus.dev", 400],
  ["that is a subdomain", "www.nimbus.dev", 409],
  ["that is only an extension", "dev", 400],
];

test.each(UNSELLABLE)("a name %s has no price: %s", async (_, domain, status) => {
  await using shop = await open();
  const session = await connect(shop.attestor, shop.url);
  const answer = await register(shop, session, domain);
  expect([answer.status, answer.body.success]).toEqual([status, false]);
});

test("whoever starts the provider says which names are taken", async () => {
  await using shop = await open({ takenDomains: ["nimbus.dev"] });
  const session = await connect(shop.attestor, shop.url);
  const body = { domains: ["nimbus.dev", "google.com"] };
  const { body: checked } = await v4(shop, session, "POST", "/registrar/domain-check", body);
  expect(checked.result.domains).toMatchObject([
    { name: "nimbus.dev", registrable: false, reason: "domain_unavailable" },
    { name: "google.com", registrable: true, pricing: { registration_cost: "10.44" } },
  ]);
  expect((await register(shop, session, "nimbus.dev")).status).toBe(409);
});

test("a name that was sold is refused to everyone, its owner included, before any price is named", async () => {
  await using shop = await open();
  const ada = await connect(shop.attestor, shop.url);
  const bob = await connect(shop.attestor, shop.url, {
    subject: "user-2",
    email: "bob@example.com",
  });
  const payer = await market.chain.newPayer(50_000_000n);
  await register(shop, ada, "nimbus.dev", fetchV2(payer));
  for (const session of [ada, bob]) {
    expect((await register(shop, session, "NIMBUS.dev", fetchV2(payer))).status).toBe(409);
  }
  expect((await balances(payer)).payer).toBe(50_000_000n - PRICE_OF_DEV);
});

test("of two that pay for one name at once, one gets it and the other pays nothing", async () => {
  await using shop = await open();
  const buyers = await Promise.all(
    [1, 2].map(async (number) => ({
      payer: await market.chain.newPayer(50_000_000n),
      session: await connect(shop.attestor, shop.url, {
        subject: `user-${number}`,
        email: `user-${number}@example.com`,
      }),
    })),
  );
  const answers = await Promise.all(
    buyers.map(({ session, payer }) => register(shop, session, "nimbus.dev", fetchV2(payer))),
  );
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
  const left = await Promise.all(buyers.map(async ({ payer }) => (await balances(payer)).payer));
  expect(new Set(left)).toEqual(new Set([50_000_000n - PRICE_OF_DEV, 50_000_000n]));
});

test("many purchases at once never go over the mandate, and what is refused is not charged", async () => {
  await using shop = await open();
  const mandate = await shop.attestor.mandate({ max_amount_per_month: "36.54" });
  const session = await connect(shop.attestor, shop.url, { mandate });
  const payers = await Promise.all(
    Array.from({ length: 6 }, () => market.chain.newPayer(50_000_000n)),
  );
  const before = await market.chain.chain.balanceOf(PAY_TO);
  const answers = await Promise.all(
    payers.map((payer, index) => register(shop, session, `name-${index}.dev`, fetchV2(payer))),
  );
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
    201, 201, 201, 403, 403, 403,
  ]);
  expect((await market.chain.chain.balanceOf(PAY_TO)) - before).toBe(3n * PRICE_OF_DEV);
  expect(shop.server.opened.listRegistrations(session.accountId)).toHaveLength(3);
});

test("one unit over the mandate is refused before a price is named; a higher mandate lets it through", async () => {
  await using shop = await open();
  const low = await shop.attestor.mandate({ max_amount_per_month: "12.179999" });
  const session = await connect(shop.attestor, shop.url, { mandate: low });
  expect(await register(shop, session, "nimbus.dev")).toMatchObject({
    status: 403,
    body: {
      success: false,
      error: { code: "spend_limit_exceeded", cap: "12.179999", spent: "0.00", requested: "12.18" },
    },
  });
  const exact = await shop.attestor.mandate({ max_amount_per_month: "12.18", version: 2 });
  const renewed = await connect(shop.attestor, shop.url, { mandate: exact });
  expect((await register(shop, renewed, "nimbus.dev")).status).toBe(402);
  // An older mandate that is sent again does not bring the old cap back.
  await connect(shop.attestor, shop.url, { mandate: low });
  expect((await register(shop, session, "nimbus.dev")).status).toBe(402);
});

test("a resource request carries a newer mandate too, and it holds from then on", async () => {
  await using shop = await open();
  const session = await connect(shop.attestor, shop.url);
  const lower = await shop.attestor.mandate({ max_amount_per_month: "1.00", version: 2 });
  const added = await sendSigned(shop.attestor, `${shop.url}/provisioning/resources`, {
    body: { service_id: "account", mandate: lower },
    headers: { ...session.headers, "idempotency-key": "k" },
  });
  expect(added.status).toBe(200);
  expect((await register(shop, session, "nimbus.dev")).body.error).toMatchObject({
    code: "spend_limit_exceeded",
    cap: "1.00",
  });
});

test("when the mandate has expired nothing is sold", async () => {
  let now = Date.now();
  await using shop = await open({ now: () => now });
  const session = await connect(shop.attestor, shop.url);
  now += 3_601_000;
  expect(await register(shop, session, "nimbus.dev")).toMatchObject({
    status: 403,
    body: { error: { code: "mandate_expired" } },
  });
});

test("each project of an account has its own mandate", async () => {
  await using shop = await open();
  const poor = await shop.attestor.mandate({ sub: "project-2", max_amount_per_month: "1.00" });
  const rich = await connect(shop.attestor, shop.url);
  const other = await connect(shop.attestor, shop.url, { mandate: poor });
  expect(other.accountId).toBe(rich.accountId);
  expect((await register(shop, other, "nimbus.dev")).status).toBe(403);
  expect((await register(shop, rich, "nimbus.dev")).status).toBe(402);
});

test("a price is asked of nobody without a token, nor with one of another account", async () => {
  await using shop = await open();
  const ada = await connect(shop.attestor, shop.url);
  const bob = await connect(shop.attestor, shop.url, {
    subject: "user-2",
    email: "bob@example.com",
  });
  const anonymous = { ...ada, headers: { authorization: "" } };
  expect((await register(shop, anonymous, "nimbus.dev")).status).toBe(401);
  const crossed = { ...ada, headers: bob.headers };
  const payer = await market.chain.newPayer(50_000_000n);
  expect((await register(shop, crossed, "nimbus.dev", fetchV2(payer))).status).toBe(403);
  expect((await balances(payer)).payer).toBe(50_000_000n);
});

test("a payer without money registers nothing, and the name stays free", async () => {
  await using shop = await open();
  const session = await connect(shop.attestor, shop.url);
  const payer = await market.chain.newPayer(0n);
  const answer = await register(shop, session, "nimbus.dev", fetchV2(payer));
  expect(answer.status).toBe(402);
  expect(shop.server.opened.findRegistration("nimbus.dev")).toBeUndefined();
});

test("a crooked provider really asks another price, or for another recipient", async () => {
  const thief = privateKeyToAccount(generatePrivateKey()).address;
  await using dear = await open({ crooked: { overcharge: (amount) => amount * 3n } });
  const first = await connect(dear.attestor, dear.url);
  expect((await offersFor(dear, first, "nimbus.dev"))[0]?.amount).toBe(3n * PRICE_OF_DEV);

  await using thieving = await open({ crooked: { payTo: thief } });
  const second = await connect(thieving.attestor, thieving.url);
  const payer = await market.chain.newPayer(50_000_000n);
  expect((await register(thieving, second, "nimbus.dev", fetchV2(payer))).status).toBe(201);
  expect(await market.chain.chain.balanceOf(thief)).toBe(PRICE_OF_DEV);
});
