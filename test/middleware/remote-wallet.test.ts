/** The wallet behind HTTP: what the agent's side asks, and what it makes of every kind of answer. */
import express from "express";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localWallet, remoteWallet } from "../../middleware/index.ts";
import {
  type OutcomeReport,
  type PurchaseOrder,
  PurserError,
  Secret,
} from "../../protocol/index.ts";
import { buy, catalogOf, openBuyer, SCOPES } from "./buyer.ts";
import { type Listening, listen, type Market, openMarket, openShop } from "./shop.ts";

let market: Market;
beforeAll(async () => {
  market = await openMarket();
});
afterAll(() => market[Symbol.asyncDispose]());

const token = new Secret("run-token");

/** A wallet's three calls as the orchestrator serves them; the second answer of each call is lost when `loses` is set. */
async function openWalletServer(
  wallet: ReturnType<typeof localWallet>,
  loses = false,
): Promise<Listening & { calls: string[] }> {
  const calls: string[] = [];
  const app = express();
  app.use(express.json(), (request, response, next) => {
    const first = !calls.includes(`${request.method} ${request.path}`);
    calls.push(`${request.method} ${request.path}`);
    if (request.headers.authorization !== "Bearer run-token") {
      response
        .status(401)
        .json({ ok: false, error: { code: "TOKEN_INVALID", problem: "p", nextStep: "n" } });
    } else if (loses && first) {
      response.json = () => (response.destroy(), response);
      next();
    } else next();
  });
  app.get("/v1/purchases/:id", async ({ params }, response) => {
    const record = await wallet.find(params.id);
    response.status(record ? 200 : 404).json(record ?? {});
  });
  app.post("/v1/purchases", async (request, response) => {
    response.json(await wallet.authorize(request.body as PurchaseOrder));
  });
  app.post("/v1/purchases/:id/outcome", async ({ params, body }, response) => {
    response.json(await wallet.report(params.id, body as OutcomeReport));
  });
  app.use(((error: unknown, _request, response, _next) => {
    const body =
      error instanceof PurserError
        ? error.toJSON()
        : { code: "INTERNAL", problem: "", nextStep: "" };
    response.status(403).json({ ok: false, error: body });
  }) as express.ErrorRequestHandler);
  return Object.assign(await listen(app), { calls });
}

test.each([false, true])(
  "buys with a key that is elsewhere (first answers lost: %s), once",
  async (loses) => {
    await using shop = await openShop({ facilitatorUrl: market.facilitator.url });
    using buyer = await openBuyer(market.chain);
    const catalog = catalogOf(shop);
    const local = localWallet({
      wallet: buyer.wallet,
      catalog,
      project: "p",
      scopesFor: () => SCOPES,
    });
    await using server = await openWalletServer(local, loses);
    const port = remoteWallet({ orchestratorUrl: server.url, token });
    const outcome = await buy({ buyer, catalog, port });
    expect(outcome).toMatchObject({ kind: "delivered", record: { state: "settled" } });
    expect(await market.chain.chain.balanceOf(shop.payTo)).toBe(10_000n);
    const again = await buy({ buyer, catalog, port });
    expect(again).toMatchObject({ kind: "delivered", record: { state: "settled" } });
    expect(await market.chain.chain.balanceOf(shop.payTo)).toBe(10_000n);
  },
);

test("a refusal of the wallet comes through with its code and its numbers", async () => {
  await using shop = await openShop({ facilitatorUrl: market.facilitator.url, amount: 200_000n });
  using buyer = await openBuyer(market.chain);
  const catalog = catalogOf({ ...shop, price: "0.20" });
  const local = localWallet({
    wallet: buyer.wallet,
    catalog,
    project: "p",
    scopesFor: () => SCOPES,
  });
  await using server = await openWalletServer(local);
  const port = remoteWallet({ orchestratorUrl: server.url, token });
  expect(await buy({ buyer, catalog, port })).toMatchObject({
    kind: "refused",
    error: { code: "CAP_EXCEEDED", details: { available: "0.10", requested: "0.20" } },
  });
  expect(shop.events).toEqual([]);
});

test("another run's token is refused, and nothing is paid", async () => {
  await using shop = await openShop({ facilitatorUrl: market.facilitator.url });
  using buyer = await openBuyer(market.chain);
  const catalog = catalogOf(shop);
  const local = localWallet({
    wallet: buyer.wallet,
    catalog,
    project: "p",
    scopesFor: () => SCOPES,
  });
  await using server = await openWalletServer(local);
  const port = remoteWallet({ orchestratorUrl: server.url, token: new Secret("other") });
  expect(await buy({ buyer, catalog, port })).toMatchObject({
    kind: "refused",
    error: { code: "TOKEN_INVALID" },
  });
});

test.each([
  ["an answer that is no record", (response: express.Response) => void response.json({ ok: true })],
  ["an answer that is no JSON", (response: express.Response) => void response.send("hello")],
  ["a redirect", (response: express.Response) => response.redirect("http://127.0.0.1:1/")],
  ["an error without a code", (response: express.Response) => void response.status(500).json({})],
  ["a dropped connection", (response: express.Response) => void response.destroy()],
])("%s of the wallet's server is WALLET_UNREACHABLE", async (_, answer) => {
  const app = express();
  app.use((_request, response) => answer(response));
  await using server = await listen(app);
  const port = remoteWallet({ orchestratorUrl: server.url, token });
  await expect(port.report("pur_1", { status: 200 })).rejects.toMatchObject({
    code: "WALLET_UNREACHABLE",
  });
});
