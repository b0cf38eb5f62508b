/** The buyer's side against a shop that is honest: what is paid, once, and what the ledger, the chain and the shop say of it. */
import type express from "express";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buy, catalogOf, idOf, openBuyer, spentBy } from "./buyer.ts";
import { type Market, openMarket, openShop } from "./shop.ts";
import { stockShopV1, stockShopV2 } from "./stock-shops.ts";

let market: Market;
let facilitatorUrl: string;
beforeAll(async () => {
  market = await openMarket();
  facilitatorUrl = market.facilitator.url;
});
afterAll(() => market[Symbol.asyncDispose]());

const balanceOf = (address: `0x${string}`) => market.chain.chain.balanceOf(address);

test("buys from the paywall: delivered, settled, and ledger, chain and shop agree to the unit", async () => {
  await using shop = await openShop({ facilitatorUrl });
  using buyer = await openBuyer(market.chain);
  const outcome = await buy({ buyer, catalog: catalogOf(shop) });
  expect(outcome).toMatchObject({
    kind: "delivered",
    record: {
      id: idOf("a"),
      state: "settled",
      amount: "0.01",
      payTo: shop.payTo,
      provider: "shop",
    },
  });
  if (outcome.kind !== "delivered") throw new Error();
  expect(outcome.response.status).toBe(201);
  expect(await outcome.response.json()).toEqual({
    item: "a",
    transaction: outcome.record?.transaction,
  });
  expect(await spentBy(buyer)).toEqual({ settled: 10_000n, reserved: 0n });
  expect(await balanceOf(buyer.account.address)).toBe(990_000n);
  expect(await balanceOf(shop.payTo)).toBe(10_000n);
  const transfers = await market.chain.chain.transfersFrom(buyer.account.address);
  expect(transfers.map(({ transaction, value }) => [transaction, value])).toEqual([
    [outcome.record?.transaction, 10_000n],
  ]);
  expect(buyer.events.map((event) => event.type === "payment" && event.state)).toEqual([
    "sent",
    "settled",
  ]);
});

test("asking for the same purchase again fetches the same answer and pays nothing", async () => {
  await using shop = await openShop({ facilitatorUrl });
  using buyer = await openBuyer(market.chain);
  const catalog = catalogOf(shop);
  await buy({ buyer, catalog });
  const again = await buy({ buyer, catalog });
  expect(again).toMatchObject({ kind: "delivered", record: { state: "settled" } });
  expect(await balanceOf(shop.payTo)).toBe(10_000n);
  expect(shop.events).toEqual(["work a", "settled a"]);
});

test("ten calls for one purchase at once pay once, and all get what was bought", async () => {
  await using shop = await openShop({ facilitatorUrl });
  using buyer = await openBuyer(market.chain);
  const catalog = catalogOf(shop);
  const outcomes = await Promise.all(Array.from({ length: 10 }, () => buy({ buyer, catalog })));
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(["delivered"]));
  expect(await balanceOf(shop.payTo)).toBe(10_000n);
});

test("a cap for ten payments, and twenty-five purchases at once: exactly ten are charged", async () => {
  await using shop = await openShop({ facilitatorUrl });
  using buyer = await openBuyer(market.chain);
  const catalog = catalogOf(shop);
  const outcomes = await Promise.all(
    Array.from({ length: 25 }, (_, index) => buy({ buyer, catalog, item: `item-${index}` })),
  );
  const kinds = Map.groupBy(outcomes, ({ kind }) => kind);
  expect(kinds.get("delivered")).toHaveLength(10);
  expect(kinds.get("refused")).toHaveLength(15);
  for (const outcome of kinds.get("refused") ?? []) {
    expect(outcome).toMatchObject({ error: { code: "CAP_EXCEEDED" } });
  }
  expect(await balanceOf(shop.payTo)).toBe(100_000n);
  expect(await spentBy(buyer)).toEqual({ settled: 100_000n, reserved: 0n });
});

test("a purchase that the catalog leads elsewhere by now is refused, and its bytes go nowhere new", async () => {
  await using shop = await openShop({ facilitatorUrl });
  using buyer = await openBuyer(market.chain);
  await buy({ buyer, catalog: catalogOf(shop) });
  const sent: unknown[] = [];
  const fetch: typeof globalThis.fetch = (input) => {
    sent.push(input);
    return Promise.reject(new Error("nobody is there"));
  };
  const catalog = catalogOf({ url: "http://elsewhere.example", payTo: shop.payTo });
  const outcome = await buy({ buyer, catalog, fetch });
  expect(outcome).toMatchObject({ kind: "refused", error: { code: "REQUEST_MISMATCH" } });
  expect(sent).toEqual([]);
});

test("an answer that is no 402 is handed through, and nothing is paid", async () => {
  const onQuote = () => ({ refusal: { status: 409, body: { error: "taken" } } });
  await using shop = await openShop({ facilitatorUrl, onQuote });
  using buyer = await openBuyer(market.chain);
  const outcome = await buy({ buyer, catalog: catalogOf(shop) });
  expect(outcome.kind === "delivered" && [outcome.response.status, outcome.record]).toEqual([
    409,
    undefined,
  ]);
  expect(await buyer.ledger.list()).toEqual([]);
});

test("the caller's headers are on the paid request too", async () => {
  const seen: (string | undefined)[] = [];
  const authenticate: express.RequestHandler = (request, _, next) => {
    seen.push(request.headers.authorization);
    next();
  };
  using buyer = await openBuyer(market.chain);
  await using stock = await stockShopV1(facilitatorUrl, authenticate);
  const headers = { authorization: "Bearer abc" };
  const outcome = await buy({ buyer, catalog: catalogOf(stock), headers });
  expect(outcome.kind).toBe("delivered");
  expect(seen).toEqual(["Bearer abc", "Bearer abc"]);
});

test.each([
  ["x402-express", stockShopV1],
  ["@x402/express", stockShopV2],
])("buys from an unmodified %s server", async (_, open) => {
  await using shop = await open(facilitatorUrl);
  using buyer = await openBuyer(market.chain);
  const before = await balanceOf(shop.payTo);
  const outcome = await buy({ buyer, catalog: catalogOf(shop) });
  expect(outcome).toMatchObject({
    kind: "delivered",
    record: { state: "settled", amount: "0.01" },
  });
  expect(outcome.kind === "delivered" && (await outcome.response.json())).toEqual({
    sold: { item: "a" },
  });
  expect((await balanceOf(shop.payTo)) - before).toBe(10_000n);
  expect(await spentBy(buyer)).toEqual({ settled: 10_000n, reserved: 0n });
});
