/**
 * The rest of what stock paywalls get wrong, and of the attacks on sellers: each seen on them, unmodified, then held by ours. The other rows
 * are in `paywall-table.test.ts`, `preempted.test.ts`, `paywall-guard.test.ts` and `test/facilitator/batches.test.ts`; `docs/proof.md`
 * has the list.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openRefunds, refundAmends } from "../../middleware/index.ts";
import { REFUND_SIGNER_LIMITS } from "../../middleware/refund/refund.ts";
import { accountSigner } from "../../middleware/signer/index.ts";
import { openDatabase } from "../../store/index.ts";
import { sendCall, transferCall, newAuthorization, sign } from "../support/chain.ts";
import { type FaultyFacilitator, openFaultyFacilitator } from "./faulty-facilitator.ts";
import { openPaidShop } from "./paid-shop.ts";
import { ITEMS, pay } from "./payments.ts";
import { payBy, PROTOCOLS } from "./protocol-payments.ts";
import { type Market, openMarket, openShop } from "./shop.ts";
import { openStockShop } from "./stock-shop.ts";
import { stockShopMppx } from "./stock-shops.ts";

let market: Market;
let facilitator: FaultyFacilitator;
let facilitatorUrl: string;
beforeAll(async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  market = await openMarket();
  facilitator = await openFaultyFacilitator(market.facilitator.url);
  facilitatorUrl = facilitator.url;
});
afterAll(async () => {
  await facilitator[Symbol.asyncDispose]();
  await market[Symbol.asyncDispose]();
});

const FUNDS = 100_000n;
const newPayer = () => market.chain.newPayer(FUNDS);
type Payer = Awaited<ReturnType<typeof newPayer>>;
const spentBy = async ({ address }: Payer) => FUNDS - (await market.chain.chain.balanceOf(address));
const payStock = (shop: { url: string }, version: 1 | 2, payer: Payer) =>
  pay(shop, { version, payer, path: "/a", init: {} });

async function withFault<T>(fault: FaultyFacilitator["fault"], work: () => Promise<T>): Promise<T> {
  facilitator.fault = fault;
  return work().finally(() => (facilitator.fault = undefined));
}

/** Moves everything that a payer holds elsewhere, as one who wants the work for nothing. */
async function drain(payer: Payer): Promise<void> {
  const value = await market.chain.chain.balanceOf(payer.address);
  const authorization = newAuthorization(payer.address, { value });
  const { asset } = market.chain;
  const signature = await sign(payer, asset, authorization);
  const sender = await market.chain.newPayer(0n, 10n ** 18n);
  const data = transferCall(authorization, signature);
  expect((await sendCall(market.chain, sender, { to: asset.address, data })).status).toBe(
    "success",
  );
}

test("paid first, and the work fails: stock keeps the money, ours sends it back", async () => {
  const work = () => Promise.reject(new Error("sold out"));
  await using stock = await openStockShop({ facilitatorUrl, version: 2, upfront: true, work });
  const charged = await newPayer();
  const theirs = await fetch(`${stock.url}/a`, await payStock(stock, 2, charged));
  expect([theirs.status, await spentBy(charged)]).toEqual([500, 10_000n]);

  const db = openDatabase(":memory:");
  const account = await newPayer();
  const signer = accountSigner(account, { limits: REFUND_SIGNER_LIMITS });
  const refunds = openRefunds({ db, facilitator: facilitatorUrl, signer });
  await using shop = await openPaidShop({
    db,
    facilitator: facilitatorUrl,
    flow: "settle-first",
    afterFailure: refundAmends(refunds),
    handler: () => {
      throw new Error("sold out");
    },
  });
  const refunded = await newPayer();
  const path = "/item/a";
  const paid = await payBy(shop, { protocol: "x402 v2", payer: refunded, path, init: {} });
  const ours = await fetch(shop.url + path, paid);
  expect([ours.status, await spentBy(refunded)]).toEqual([500, 0n]);
});

describe.each([1, 2] as const)("x402 v%i", (version) => {
  test("a buyer who signs again after an unknown settlement: stock charges twice and delivers nothing, ours has them charged once", async () => {
    await using stock = await openStockShop({ facilitatorUrl, version });
    const charged = await newPayer();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const payment = await payStock(stock, version, charged);
      const answer = await withFault("say-pending", () => fetch(`${stock.url}/a`, payment));
      expect(answer.status).toBe(402);
    }
    expect(await spentBy(charged)).toBe(20_000n);

    await using shop = await openShop({ facilitatorUrl });
    const payer = await newPayer();
    const payment = await pay(shop, { version, payer });
    const answer = await withFault("say-pending", () => fetch(shop.url + ITEMS, payment));
    // No 402, so that no client takes it for a price and signs again.
    expect([answer.status, answer.headers.get("PAYMENT-REQUIRED")]).toEqual([503, null]);
    expect((await fetch(shop.url + ITEMS, payment)).status).toBe(201);
    expect(await spentBy(payer)).toBe(10_000n);
  });

  test("a payer who empties the account between work and settlement: stock has worked for nothing, ours settles first", async () => {
    const payer = await newPayer();
    await using stock = await openStockShop({
      facilitatorUrl,
      version,
      work: () => drain(payer),
    });
    await fetch(`${stock.url}/a`, await payStock(stock, version, payer));
    expect(stock.handled).toBe(1);
    expect(await market.chain.chain.balanceOf(payer.address)).toBe(0n);

    const other = await newPayer();
    await using shop = await openPaidShop({ facilitator: facilitatorUrl, flow: "settle-first" });
    const path = "/item/a";
    const payment = await pay(shop, { version, payer: other, path, init: {} });
    await drain(other);
    expect((await fetch(shop.url + path, payment)).status).toBe(402);
    expect(shop.runs).toEqual([]);
  });
});

test("work-first, an account emptied during the work gets no answer of the work's", async () => {
  const payer = await newPayer();
  await using shop = await openPaidShop({
    facilitator: facilitatorUrl,
    handler: (_, response, next) => {
      drain(payer).then(() => response.json({ secret: "worth a cent" }), next);
    },
  });
  const path = "/item/a";
  const payment = await payBy(shop, { protocol: "x402 v2", payer, path, init: {} });
  const answer = await fetch(shop.url + path, payment);
  expect(answer.status).toBe(402);
  expect(await answer.text()).not.toContain("worth a cent");
});

test("a facilitator that settles and hangs: stock says 502 of what it has charged, ours answers with what was bought", async () => {
  const options = { facilitatorUrl, facilitatorTimeoutMs: 1_500 };
  await using stock = await openStockShop({ ...options, version: 2 });
  const charged = await newPayer();
  const theirs = await payStock(stock, 2, charged);
  const answer = await withFault("hang", () => fetch(`${stock.url}/a`, theirs));
  expect([answer.status, await spentBy(charged)]).toEqual([502, 10_000n]);
  expect((await fetch(`${stock.url}/a`, theirs)).status).toBe(402);

  await using shop = await openShop(options);
  const ours = await pay(shop, { version: 2, payer: await newPayer() });
  const pending = await withFault("hang", () => fetch(shop.url + ITEMS, ours));
  expect(pending.status).toBe(503);
  expect((await fetch(shop.url + ITEMS, ours)).status).toBe(201);
});

test("what was sold in x402 v1 may be kept by a shared cache of stock's, and not of ours", async () => {
  await using stock = await openStockShop({ facilitatorUrl, version: 1 });
  const theirs = await fetch(`${stock.url}/a`, await payStock(stock, 1, await newPayer()));
  expect([theirs.status, theirs.headers.get("cache-control")]).toEqual([200, null]);

  await using shop = await openShop({ facilitatorUrl });
  const payment = await pay(shop, { version: 1, payer: await newPayer() });
  const ours = await fetch(shop.url + ITEMS, payment);
  expect(ours.headers.get("cache-control")).toBe("private, no-store");
});

describe("MPP", () => {
  test("the same credential one after another: stock mppx asks for another payment, ours gives the same answer", async () => {
    await using stock = await stockShopMppx(market.facilitator.url);
    const theirs = await payBy(stock, { protocol: "MPP", payer: await newPayer() });
    expect((await fetch(stock.url + ITEMS, theirs)).status).toBe(200);
    expect((await fetch(stock.url + ITEMS, theirs)).status).toBe(402);

    await using shop = await openShop({ facilitatorUrl });
    const ours = await payBy(shop, { protocol: "MPP", payer: await newPayer() });
    const answers = [await fetch(shop.url + ITEMS, ours), await fetch(shop.url + ITEMS, ours)];
    const [first, second] = await Promise.all(answers.map((answer) => answer.text()));
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(second).toBe(first);
  });

  test("settled, and the answer lost: stock mppx never delivers, ours does", async () => {
    await using stock = await stockShopMppx(facilitatorUrl);
    const charged = await newPayer();
    const theirs = await payBy(stock, { protocol: "MPP", payer: charged });
    await withFault("lose-answer", () => fetch(stock.url + ITEMS, theirs));
    const again = await fetch(stock.url + ITEMS, theirs);
    expect([again.ok, stock.sold, await spentBy(charged)]).toEqual([false, [], 10_000n]);

    await using shop = await openShop({ facilitatorUrl });
    const ours = await payBy(shop, { protocol: "MPP", payer: await newPayer() });
    const pending = await withFault("drop", () => fetch(shop.url + ITEMS, ours));
    expect([pending.status, pending.headers.get("retry-after")]).toEqual([503, "1"]);
    expect((await fetch(shop.url + ITEMS, ours)).status).toBe(201);
  });
});

test.each(PROTOCOLS)(
  "%s: ten copies of one credential: one run, one charge, one answer",
  async (protocol) => {
    await using shop = await openShop({ facilitatorUrl });
    const payer = await newPayer();
    const payment = await payBy(shop, { protocol, payer });
    const copies = Array.from({ length: 10 }, () => fetch(shop.url + ITEMS, payment));
    const texts = await Promise.all(copies.map(async (copy) => (await copy).text()));
    expect([new Set(texts).size, shop.events.length, await spentBy(payer)]).toEqual([
      1,
      2,
      10_000n,
    ]);
  },
);

test("a query's secret is in no log of ours and in no description; the offer names only the URL that was asked", async () => {
  const lines: string[] = [];
  const spies = (["log", "info", "warn", "error", "debug"] as const).map((name) =>
    vi.spyOn(console, name).mockImplementation((...parts) => void lines.push(parts.join(" "))),
  );
  await using shop = await openShop({ facilitatorUrl });
  const payer = await newPayer();
  const payment = await pay(shop, { version: 2, payer, path: `${ITEMS}?token=hunter2` });
  await fetch(`${shop.url}${ITEMS}?token=hunter2`, payment);
  for (const spy of spies) spy.mockRestore();
  expect(lines.join("\n")).not.toContain("hunter2");
});
