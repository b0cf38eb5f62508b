/** The paying fetch against the field's own servers, unmodified, whose facilitator really settles. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openFetchBuyer } from "./fetch-buyer.ts";
import { type Market, openMarket } from "./shop.ts";
import { onlyMpp, stockShopHono, stockShopMppx, stockShopV1, stockShopV2 } from "./stock-shops.ts";

let market: Market;
beforeAll(async () => {
  market = await openMarket();
});
afterAll(() => market[Symbol.asyncDispose]());

test.each([
  ["x402-express", "X-PAYMENT", stockShopV1, undefined],
  ["@x402/express", "PAYMENT-SIGNATURE", stockShopV2, undefined],
  ["@x402/hono", "PAYMENT-SIGNATURE", stockShopHono, undefined],
  ["mppx, which speaks x402 too,", "PAYMENT-SIGNATURE", stockShopMppx, undefined],
  ["mppx", "Authorization", stockShopMppx, onlyMpp],
] as const)("pays an unmodified %s server in %s, once", async (_, name, open, fetch) => {
  await using shop = await open(market.facilitator.url);
  using buyer = await openFetchBuyer(market.chain, { shop, ...(fetch ? { fetch } : {}) });
  const outcome = await buyer.pay(`${shop.url}/shop/items`, {
    method: "POST",
    body: JSON.stringify({ item: "a" }),
    headers: { "content-type": "application/json" },
  });
  expect(outcome).toMatchObject({
    kind: "delivered",
    record: { state: "settled", amount: "0.01", payTo: shop.payTo, payment: { name } },
  });
  expect(shop.sold).toEqual(["a"]);
  const transfers = await market.chain.chain.transfersFrom(buyer.account.address);
  expect(transfers.map(({ to, value }) => [to, value])).toEqual([[shop.payTo, 10_000n]]);
});
