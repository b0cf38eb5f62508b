/** When the chain is asked about a delivered payment: before the caller gets the answer, or after, and what is said meanwhile. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Chain } from "../../chain/index.ts";
import { openBuyer, type Buyer } from "./buyer.ts";
import { openFetchBuyer } from "./fetch-buyer.ts";
import { type Market, openMarket, openShop } from "./shop.ts";

let market: Market;
let facilitatorUrl: string;
beforeAll(async () => {
  market = await openMarket();
  facilitatorUrl = market.facilitator.url;
});
afterAll(() => market[Symbol.asyncDispose]());

/** A buyer whose chain says nothing of a payment until it is let. */
async function openWaitingBuyer(): Promise<{
  buyer: Buyer;
  asked: Promise<void>;
  let: () => void;
}> {
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const readAuthorization: Chain["readAuthorization"] = async (...question) => {
    asked.resolve();
    await gate.promise;
    return market.chain.chain.readAuthorization(...question);
  };
  const chain = { ...market.chain.chain, readAuthorization };
  const buyer = await openBuyer(market.chain, { chain });
  return { buyer, asked: asked.promise, let: gate.resolve };
}

const states = async ({ ledger }: Buyer) => (await ledger.list()).map(({ state }) => state);

test("a paying fetch hands out the answer before the chain has spoken, and the payment counts as spent meanwhile", async () => {
  await using shop = await openShop({ facilitatorUrl });
  const waiting = await openWaitingBuyer();
  using buyer = await openFetchBuyer(market.chain, { shop, buyer: waiting.buyer });
  const response = await buyer.fetch(`${shop.url}/shop/items/a`);
  expect(response.status).toBe(201);
  await waiting.asked;
  expect(await states(buyer)).toEqual(["sent"]);
  expect(await buyer.ledger.spent({ name: "wallet", perMonth: true })).toEqual({
    settled: 0n,
    reserved: 10_000n,
  });
  waiting.let();
  await buyer.fetch.close();
  expect(await states(buyer)).toEqual(["settled"]);
});

test("a process that dies before the confirmation leaves a payment that recovery settles", async () => {
  await using shop = await openShop({ facilitatorUrl });
  const waiting = await openWaitingBuyer();
  using buyer = await openFetchBuyer(market.chain, { shop, buyer: waiting.buyer });
  await buyer.fetch(`${shop.url}/shop/items/a`);
  await waiting.asked;
  using next = await openBuyer(market.chain, { ledger: buyer.ledger, account: buyer.account });
  expect(await next.wallet.recover()).toEqual([]);
  expect(await states(buyer)).toEqual(["settled"]);
});

test.each([
  ["a payer waits unless told", "pay", {}, "settled"],
  ["a payer does not wait where it is told", "pay", { confirm: "background" }, "sent"],
  ["a paying fetch waits where it is told", "fetch", { confirm: "wait" }, "settled"],
] as const)("%s", async (_, door, options, state) => {
  await using shop = await openShop({ facilitatorUrl });
  const waiting = await openWaitingBuyer();
  using buyer = await openFetchBuyer(market.chain, { shop, buyer: waiting.buyer, ...options });
  if (state === "settled") waiting.let();
  const outcome = await buyer[door](`${shop.url}/shop/items/a`);
  expect(await states(buyer)).toEqual([state]);
  if ("kind" in outcome) expect(outcome).toMatchObject({ kind: "delivered", record: { state } });
  waiting.let();
  await buyer[door].idle();
  expect(await states(buyer)).toEqual(["settled"]);
});

test("what fails in the background is told, and the payment stays open and counted", async () => {
  await using shop = await openShop({ facilitatorUrl });
  const errors: unknown[] = [];
  const bug = new Error("a bug");
  const chain = { ...market.chain.chain, readAuthorization: () => Promise.reject(bug) };
  using buyer = await openFetchBuyer(market.chain, {
    shop,
    buyer: await openBuyer(market.chain, { chain }),
    onError: (error) => errors.push(error),
  });
  expect((await buyer.fetch(`${shop.url}/shop/items/a`)).status).toBe(201);
  await buyer.fetch.idle();
  expect(errors).toEqual([bug]);
  expect(await states(buyer)).toEqual(["sent"]);
});
