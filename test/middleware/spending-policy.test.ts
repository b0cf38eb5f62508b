/** A spending policy: what it does not name is denied, each of its limits has a row, and a shadow refuses nothing. */
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Approval, createPayer, type SpendingPolicy } from "../../middleware/index.ts";
import { BASE_USDC } from "../../protocol/index.ts";
import { openBuyer } from "./buyer.ts";
import { openFetchBuyer, policyFor } from "./fetch-buyer.ts";
import { type HostileShop, openHostileShop } from "./hostile-shop.ts";
import { type Market, openMarket, openShop } from "./shop.ts";

let market: Market;
let shop: HostileShop;
beforeAll(async () => {
  market = await openMarket();
  shop = await openHostileShop();
});
afterAll(async () => {
  await shop[Symbol.asyncDispose]();
  await market[Symbol.asyncDispose]();
});

test.each<[string, (url: string, payTo: string) => Partial<SpendingPolicy>, string]>([
  ["no provider", () => ({ providers: [] }), "ORIGIN_NOT_ALLOWED"],
  [
    "a provider at another port",
    (_, payTo) => ({
      providers: [{ id: "shop", origins: ["http://127.0.0.1:1"], payees: [payTo] }],
    }),
    "ORIGIN_NOT_ALLOWED",
  ],
  [
    "another payee",
    (url) => ({ providers: [{ id: "shop", origins: [url], payees: [`0x${"ee".repeat(20)}`] }] }),
    "OFFER_PAYEE",
  ],
  [
    "another network",
    (url, payTo) => ({
      mainnet: true,
      providers: [
        {
          id: "shop",
          origins: [url],
          payees: [payTo],
          assets: [{ network: BASE_USDC.network, address: BASE_USDC.address }],
        },
      ],
    }),
    "OFFER_NETWORK",
  ],
  ["a lower price for any call", () => ({ maxPerCall: "0.009999" }), "OFFER_PRICE"],
  [
    "a lower price for the provider's calls",
    (url, payTo) => ({
      providers: [{ id: "shop", origins: [url], payees: [payTo], maxPerCall: "0.009999" }],
    }),
    "OFFER_PRICE",
  ],
  ["a lower price for a purchase", () => ({ maxPerPurchase: "0.009999" }), "BUDGET_EXCEEDED"],
  ["less for the wallet and month", () => ({ maxPerMonth: "0.009999" }), "CAP_EXCEEDED"],
  [
    "less for the provider and month",
    (url, payTo) => ({
      providers: [{ id: "shop", origins: [url], payees: [payTo], maxPerMonth: "0.009999" }],
    }),
    "CAP_EXCEEDED",
  ],
  ["an approval, and nobody to ask", () => ({ approveAbove: "0.009999" }), "APPROVAL_MISSING"],
])("a policy with %s pays nothing", async (_, changes, code) => {
  using buyer = await openFetchBuyer(market.chain, { shop, policy: changes(shop.url, shop.payTo) });
  const sent = shop.payments.length;
  expect(await buyer.pay(shop.url)).toMatchObject({ kind: "refused", error: { code } });
  expect([shop.payments.length, await buyer.ledger.list()]).toEqual([sent, []]);
});

test("the caller's own limit holds beside the policy's", async () => {
  using buyer = await openFetchBuyer(market.chain, { shop });
  const terms = { maxAmount: "0.009999" };
  expect(await buyer.pay(shop.url, {}, terms)).toMatchObject({ error: { code: "OFFER_PRICE" } });
  const greedy = await buyer.pay(shop.url, {}, { maxAmount: "one" });
  expect(greedy).toMatchObject({ kind: "refused", error: { code: "AMOUNT_INVALID" } });
});

test("a cap for ten, and twenty-five calls at once: exactly ten are charged", async () => {
  await using shop = await openShop({ facilitatorUrl: market.facilitator.url });
  using buyer = await openFetchBuyer(market.chain, { shop, policy: { maxPerMonth: "0.10" } });
  const outcomes = await Promise.all(
    Array.from({ length: 25 }, (_, index) => buyer.pay(`${shop.url}/shop/items/${index}`)),
  );
  expect(outcomes.filter(({ kind }) => kind === "delivered")).toHaveLength(10);
  expect(await market.chain.chain.balanceOf(shop.payTo)).toBe(100_000n);
});

test("so many payments in a minute, and no more until it is over", async () => {
  let at = 1_000_000;
  using buyer = await openFetchBuyer(market.chain, {
    shop,
    policy: { maxCallsPerMinute: 2 },
    buyer: await openBuyer(market.chain, { bookNow: () => at }),
  });
  const codes = async (...paths: string[]) => {
    const outcomes = await Promise.all(paths.map((path) => buyer.pay(shop.url + path)));
    return outcomes
      .filter(({ kind }) => kind === "refused")
      .map((outcome) => "error" in outcome && outcome.error.code);
  };
  expect(await codes("/1", "/2", "/3")).toEqual(["RATE_EXCEEDED"]);
  at += 59_999;
  expect(await codes("/4")).toEqual(["RATE_EXCEEDED"]);
  at += 1;
  expect(await codes("/5", "/6")).toEqual([]);
});

describe("above the approval threshold", () => {
  test("a person is asked for exactly what is paid, once for a purchase", async () => {
    const asked: Approval[] = [];
    using buyer = await openFetchBuyer(market.chain, {
      shop,
      policy: { approveAbove: "0.009999" },
      approve: (approval) => asked.push(approval) > 0,
    });
    await Promise.all([buyer.pay(shop.url), buyer.pay(shop.url), buyer.pay(shop.url)]);
    const [entry] = await buyer.ledger.list();
    expect(asked).toMatchObject([
      {
        provider: "shop",
        method: "GET",
        url: `${shop.url}/`,
        amount: "0.01",
        payTo: entry?.payTo,
        purchase: entry?.purchase,
      },
    ]);
  });

  test.each<[string, () => boolean]>([
    ["no", () => false],
    ["what is not a yes", () => "yes" as never],
  ])("an answer of %s pays nothing", async (_, approve) => {
    using buyer = await openFetchBuyer(market.chain, {
      shop,
      policy: { approveAbove: "0" },
      approve,
    });
    expect(await buyer.pay(shop.url)).toMatchObject({ error: { code: "APPROVAL_DENIED" } });
    expect(await buyer.ledger.list()).toEqual([]);
  });
});

describe("a shadow policy refuses nothing and reports", () => {
  test.each<[string, Partial<SpendingPolicy>, string[]]>([
    ["an unknown provider", { providers: [] }, ["ORIGIN_NOT_ALLOWED"]],
    ["a price", { maxPerCall: "0.001" }, ["OFFER_PRICE"]],
    ["a cap", { maxPerMonth: "0.001" }, ["CAP_EXCEEDED"]],
    ["how often", { maxCallsPerMinute: 1 }, ["RATE_EXCEEDED"]],
    ["that a person would be asked", { approveAbove: "0.001" }, ["APPROVAL_MISSING"]],
    ["nothing, where it agrees", {}, []],
  ])("%s", async (_, changes, codes) => {
    const reports: string[] = [];
    using buyer = await openFetchBuyer(market.chain, {
      shop,
      shadow: { policy: policyFor(shop, changes), report: ({ code }) => void reports.push(code) },
    });
    expect((await buyer.pay(`${shop.url}/first`)).kind).toBe("delivered");
    reports.splice(0);
    expect((await buyer.pay(`${shop.url}/second`)).kind).toBe("delivered");
    expect(reports).toEqual(codes);
  });
});

test.each<[string, Partial<SpendingPolicy>, RegExp]>([
  ["an amount that is a number", { maxPerCall: 1 as never }, /maxPerCall/],
  ["an amount that is no amount", { maxPerMonth: "1e4" }, /amount of dollars/],
  ["a field that it does not know", { maxPerDay: "1" } as never, /maxPerDay/],
  [
    "an origin with a path",
    { providers: [{ id: "s", origins: ["http://a.example/b"], payees: [`0x${"ee".repeat(20)}`] }] },
    /not an origin/,
  ],
  ["http where it is not local", { local: false }, /not https/],
  [
    "an unknown token",
    {
      providers: [
        {
          id: "s",
          origins: ["http://a.example"],
          payees: [`0x${"ee".repeat(20)}`],
          assets: [{ network: "eip155:1", address: `0x${"ee".repeat(20)}` }],
        },
      ],
    },
    /unknown to us/,
  ],
  ["no payee", { providers: [{ id: "s", origins: ["http://a.example"], payees: [] }] }, /payees/],
  [
    "one origin of two providers",
    {
      providers: ["a", "b"].map((id) => ({
        id,
        origins: ["http://a.example"],
        payees: [`0x${"ee".repeat(20)}`],
      })),
    },
    /two providers/,
  ],
])("a policy with %s cannot be used", async (_, changes, message) => {
  using buyer = await openBuyer(market.chain);
  const policy = policyFor(shop, changes);
  const create = () => createPayer({ wallet: buyer.wallet, policy, scope: "p" });
  expect(create).toThrow(
    expect.objectContaining({ code: "POLICY_INVALID", message: expect.stringMatching(message) }),
  );
});

test("property: whatever the prices and caps, what was paid is within every cap", async () => {
  const cents = (max: number) => fc.integer({ min: 1, max });
  const cases = fc.record({
    prices: fc.array(cents(9), { minLength: 1, maxLength: 6 }),
    perCall: cents(9),
    perProvider: cents(20),
    perWallet: cents(20),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ prices, perCall, perProvider, perWallet }) => {
      const usd = (amount: number) => `0.0${String(amount).padStart(2, "0")}`;
      await using shop = await openHostileShop({
        offers: (offer, url) => [
          { ...offer, amount: `${prices[Number(new URL(url).pathname.slice(1))]!}000` },
        ],
      });
      using buyer = await openFetchBuyer(market.chain, {
        shop,
        policy: {
          maxPerCall: usd(perCall),
          maxPerMonth: usd(perWallet),
          providers: [
            {
              id: "shop",
              origins: [shop.url],
              payees: [shop.payTo],
              maxPerMonth: usd(perProvider),
            },
          ],
        },
      });
      const outcomes = await Promise.all(
        prices.map((_, index) => buyer.pay(`${shop.url}/${index}`)),
      );
      const paid = (await buyer.ledger.list()).map(({ amount }) => Number(amount) / 1000);
      const total = paid.reduce((sum, amount) => sum + amount, 0);
      expect(total).toBeLessThanOrEqual(Math.min(perProvider, perWallet));
      for (const amount of paid) expect(amount).toBeLessThanOrEqual(perCall);
      expect(outcomes.filter(({ kind }) => kind === "delivered")).toHaveLength(paid.length);
    }),
    { numRuns: 15 },
  );
});
