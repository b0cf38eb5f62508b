/** A catalog's operation that is sold by MPP: an unmodified mppx server that really settles, the wallet in process and behind HTTP. */
import express from "express";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localWallet, type WalletPort } from "../../middleware/index.ts";
import { PurchaseOrder } from "../../protocol/index.ts";
import { buy, catalogOf, openBuyer, SCOPES } from "./buyer.ts";
import { listen, type Market, openMarket } from "./shop.ts";
import { stockMppx } from "./stock-mppx.ts";

let market: Market;
beforeAll(async () => {
  market = await openMarket();
});
afterAll(() => market[Symbol.asyncDispose]());

/** Sells `POST /shop/items` for $0.01, by MPP; what it offers in x402 is taken away on the way. */
async function openMppShop() {
  const payTo = privateKeyToAccount(generatePrivateKey()).address;
  const mppx = stockMppx(payTo, market.facilitator.url);
  const app = express();
  app.post("/shop/items", mppx.charge({ amount: "0.01" }), (_, response) => {
    response.json({ ok: true });
  });
  return Object.assign(await listen(app), { payTo });
}

const onlyMpp: typeof fetch = async (input, init) => {
  const { body, status, headers } = await fetch(input, init);
  const kept = new Headers(headers);
  kept.delete("PAYMENT-REQUIRED");
  return new Response(body, { status, headers: kept });
};

/** Everything goes through JSON, as it does over HTTP. */
function overJson(wallet: WalletPort): WalletPort {
  return {
    ...wallet,
    authorize: (order) =>
      wallet.authorize(PurchaseOrder.parse(JSON.parse(JSON.stringify(order)) as unknown)),
  };
}

test.each([
  ["in this process", (port: WalletPort) => port],
  ["behind HTTP", overJson],
])(
  "is paid once by a wallet %s, and the same bytes again for the same item",
  async (_, through) => {
    await using shop = await openMppShop();
    using buyer = await openBuyer(market.chain);
    const catalog = catalogOf(shop);
    const local = { wallet: buyer.wallet, catalog, project: "p", scopesFor: () => SCOPES };
    const port = through(localWallet(local));
    const outcome = await buy({ buyer, catalog, port, fetch: onlyMpp });
    expect(outcome).toMatchObject({
      kind: "delivered",
      record: { amount: "0.01", payment: { name: "Authorization" } },
    });
    await buy({ buyer, catalog, port, fetch: onlyMpp });
    expect(await market.chain.chain.balanceOf(shop.payTo)).toBe(10_000n);
    expect(await buyer.ledger.list()).toMatchObject([{ payTo: shop.payTo, state: "settled" }]);
  },
);

test.each([
  ["costs more than the catalog says", "OFFER_PRICE", { price: "0.009999" }],
  ["pays another than the catalog names", "OFFER_PAYEE", { payTo: `0x${"dd".repeat(20)}` }],
])("is not paid where the challenge %s", async (_, code, changes) => {
  await using shop = await openMppShop();
  using buyer = await openBuyer(market.chain);
  const outcome = await buy({ buyer, catalog: catalogOf({ ...shop, ...changes }), fetch: onlyMpp });
  expect(outcome).toMatchObject({ kind: "refused", error: { code } });
  expect(await buyer.ledger.list()).toEqual([]);
});

test("is not paid where the call's own token is in the header that the credential wants", async () => {
  await using shop = await openMppShop();
  using buyer = await openBuyer(market.chain);
  const headers = { authorization: "Bearer abc" };
  const outcome = await buy({ buyer, catalog: catalogOf(shop), fetch: onlyMpp, headers });
  expect(outcome).toMatchObject({ kind: "refused", error: { code: "OFFER_HEADER" } });
});

test("the wallet reads the challenge for its own request: a realm elsewhere is not what it pays for", async () => {
  await using shop = await openMppShop();
  using buyer = await openBuyer(market.chain);
  const answer = await fetch(`${shop.url}/shop/items`, { method: "POST" });
  const [, request = ""] = /request="([^"]+)"/.exec(answer.headers.get("WWW-Authenticate") ?? "")!;
  const mpp = { id: "c", realm: "elsewhere.example", method: "evm", intent: "charge", request };
  const order = { service: "shop/items", operation: "create", inputs: { item: "a" } };
  const catalog = catalogOf(shop);
  const port = localWallet({
    wallet: buyer.wallet,
    catalog,
    project: "p",
    scopesFor: () => SCOPES,
  });
  await expect(port.authorize({ ...order, offer: { mpp } })).rejects.toMatchObject({
    code: "OFFER_RESOURCE",
  });
  await expect(
    port.authorize({ ...order, offer: { mpp: { ...mpp, request: "e30" } } }),
  ).rejects.toMatchObject({ code: "CHALLENGE_INVALID" });
});
