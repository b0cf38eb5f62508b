/** The buyer's side against a shop that is honest: what is paid, once, and what the ledger, the chain and the shop say of it. */
import express from "express";
import { paymentMiddleware } from "x402-express";
import { paymentMiddlewareFromConfig } from "@x402/express";
import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { buy, catalogOf, idOf, openBuyer, spentBy } from "./buyer.ts";
import { listen, type Market, openMarket, openShop } from "./shop.ts";

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
  await using stock = await stockShopV1(authenticate);
  const headers = { authorization: "Bearer abc" };
  const outcome = await buy({ buyer, catalog: catalogOf(stock), headers });
  expect(outcome.kind).toBe("delivered");
  expect(seen).toEqual(["Bearer abc", "Bearer abc"]);
});

/** Unmodified `x402-express`. */
async function stockShopV1(...before: express.RequestHandler[]) {
  const payTo = `0x${"c1".repeat(20)}` as const;
  const { address, decimals, eip712 } = BASE_SEPOLIA_USDC;
  const price = { amount: "10000", asset: { address, decimals, eip712 } };
  const app = express();
  app.use(...before, express.json());
  app.use(
    paymentMiddleware(
      payTo,
      { "POST /shop/items": { price, network: "base-sepolia" } },
      { url: facilitatorUrl as `http://${string}` },
    ),
  );
  app.post("/shop/items", (request, response) => void response.json({ sold: request.body }));
  return Object.assign(await listen(app), { payTo });
}

/** Unmodified `@x402/express`. */
async function stockShopV2() {
  const payTo = `0x${"c2".repeat(20)}` as const;
  const { address, network, eip712 } = BASE_SEPOLIA_USDC;
  const price = { amount: "10000", asset: address, extra: { ...eip712 } };
  const accepts = { scheme: "exact", network: network as `eip155:1`, payTo, price };
  const app = express();
  app.use(express.json());
  app.use(
    paymentMiddlewareFromConfig(
      { "POST /shop/items": { accepts } },
      new HTTPFacilitatorClient({ url: facilitatorUrl }),
      [{ network: network as `eip155:1`, server: new ExactEvmScheme() }],
    ),
  );
  app.post("/shop/items", (request, response) => void response.json({ sold: request.body }));
  return Object.assign(await listen(app), { payTo });
}

test.each([
  ["x402-express", stockShopV1],
  ["@x402/express", stockShopV2],
])("buys from an unmodified %s server", async (_, open) => {
  await using shop = await open();
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
