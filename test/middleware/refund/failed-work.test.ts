/** Work that fails after the money moved: what the buyer is told, what they get back, and what a later copy of the payment hears. */
import type { Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { creditAmends } from "../../../middleware/refund/credit-amends.ts";
import { openCredits } from "../../../middleware/refund/credits.ts";
import { refundAmends } from "../../../middleware/refund/refund-amends.ts";
import { BASE_SEPOLIA_USDC } from "../../../protocol/index.ts";
import { openDatabase } from "../../../store/index.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { ITEMS, order } from "../payments.ts";
import { payBy, PROTOCOLS, RECEIPTS } from "../protocol-payments.ts";
import { openFaultyFacilitator } from "../faulty-facilitator.ts";
import { type Market, openMarket, openShop } from "../shop.ts";
import { openFailingShop } from "./failing-shop.ts";
import { held, isHash, newSale, openRefundDesk } from "./refund-desk.ts";

let market: Market;
beforeAll(async () => {
  market = await openMarket();
});
afterAll(() => market[Symbol.asyncDispose]());

const newPayer = () => market.chain.newPayer(100_000n);

describe.each(PROTOCOLS)("%s", (protocol) => {
  test("the money goes back on the chain, and every copy of the payment hears both transactions", async () => {
    using desk = await openRefundDesk(market);
    const { db, refunds } = desk;
    await using shop = await openFailingShop({
      db,
      facilitator: market.facilitator.url,
      afterFailure: refundAmends(refunds),
    });
    shop.status = 422;
    const payer = await newPayer();
    const paid = await payBy(shop, { protocol, payer });
    const first = await fetch(shop.url + ITEMS, paid);
    const text = await first.text();
    const { refund, ...told } = JSON.parse(text) as { refund: Record<string, string> };
    expect([first.status, told]).toMatchObject([
      422,
      { error: "work_failed", answer: { error: "sold out" } },
    ]);
    expect(refund).toMatchObject({ state: "settled", amount: "10000", payTo: payer.address });
    expect([isHash(refund["transaction"]), isHash(refund["of"])]).toEqual([true, true]);
    expect(refund["transaction"]).not.toBe(refund["of"]);
    expect(first.headers.get(RECEIPTS[protocol])).toBeTruthy();
    expect(await held(market, payer.address)).toBe(100_000n);
    expect(await held(market, shop.payTo)).toBe(10_000n);

    const copies = await Promise.all([1, 2, 3].map(() => fetch(shop.url + ITEMS, paid)));
    expect(await Promise.all(copies.map((copy) => copy.text()))).toEqual([text, text, text]);
    expect([shop.worked, desk.events.length]).toEqual([1, 1]);
  });

  test("with an empty refund account it is owed: 503 and Retry-After, then the refund, to the same payment", async () => {
    using desk = await openRefundDesk(market, { usdc: 0n });
    const { db, refunds } = desk;
    await using shop = await openFailingShop({
      db,
      facilitator: market.facilitator.url,
      afterFailure: refundAmends(refunds),
    });
    const payer = await newPayer();
    const paid = await payBy(shop, { protocol, payer });
    const owed = await fetch(shop.url + ITEMS, paid);
    expect([owed.status, owed.headers.get("retry-after"), await owed.json()]).toMatchObject([
      503,
      "1",
      { error: "refund_owed", refund: { state: "owed", amount: "10000" } },
    ]);
    expect(owed.headers.get("PAYMENT-REQUIRED")).toBeNull();
    expect(desk.events).toMatchObject([{ event: "refund-owed", reason: "insufficient_funds" }]);
    expect(await shop.paywall.recover()).toBe(1);

    await market.chain.local.fund(desk.account.address, { usdc: 10_000n });
    const paidBack = await fetch(shop.url + ITEMS, paid);
    expect([paidBack.status, await paidBack.json()]).toMatchObject([
      500,
      { error: "work_failed", refund: { state: "settled" } },
    ]);
    expect([await held(market, payer.address), shop.worked]).toEqual([100_000n, 1]);
  });

  test("kept as a credit, the same payer's next purchase is paid from it, and the one after is paid anew", async () => {
    const db = openDatabase(":memory:");
    const credits = openCredits({ db });
    await using shop = await openFailingShop({
      db,
      facilitator: market.facilitator.url,
      afterFailure: creditAmends(credits),
      credits,
    });
    const payer = await newPayer();
    const failed = await fetch(shop.url + ITEMS, await payBy(shop, { protocol, payer }));
    expect([failed.status, await failed.json()]).toMatchObject([
      500,
      { error: "work_failed", credit: { amount: "10000", balance: "10000" } },
    ]);
    shop.status = 201;
    const stranger = await newPayer();
    await fetch(shop.url + ITEMS, await payBy(shop, { protocol, payer: stranger }));
    expect(await held(market, stranger.address)).toBe(90_000n);

    const next = await payBy(shop, { protocol, payer });
    const [bought, again] = [
      await fetch(shop.url + ITEMS, next),
      await fetch(shop.url + ITEMS, next),
    ];
    expect([bought.status, again.status]).toEqual([201, 201]);
    expect(bought.headers.get(RECEIPTS[protocol])).toBe(again.headers.get(RECEIPTS[protocol]));
    expect(await held(market, payer.address)).toBe(90_000n);
    expect(credits.balance(payer.address, BASE_SEPOLIA_USDC)).toBe(0n);

    await fetch(shop.url + ITEMS, await payBy(shop, { protocol, payer }));
    expect(await held(market, payer.address)).toBe(80_000n);
    expect(await held(market, shop.payTo)).toBe(30_000n);
  });
});

test("one sale is made good once, also where two paywalls of one name do it differently", async () => {
  using desk = await openRefundDesk(market, { usdc: 0n });
  const { db, refunds, account } = desk;
  const credits = openCredits({ db });
  const shared = { db, facilitator: market.facilitator.url };
  const payer = await newPayer();
  await using refunding = await openFailingShop({ ...shared, afterFailure: refundAmends(refunds) });
  await using crediting = await openFailingShop({ ...shared, afterFailure: creditAmends(credits) });
  await using neither = await openFailingShop(shared);

  // Owed as a refund: it is no credit, and is paid once the account can.
  const owed = await payBy(refunding, { protocol: "x402 v2", payer });
  expect((await fetch(refunding.url + ITEMS, owed)).status).toBe(503);
  expect([await neither.paywall.recover(), await crediting.paywall.recover()]).toEqual([1, 1]);
  expect(credits.balance(payer.address, BASE_SEPOLIA_USDC)).toBe(0n);
  await market.chain.local.fund(account.address, { usdc: 100_000n });
  expect(await refunding.paywall.recover()).toBe(0);
  expect(await held(market, payer.address)).toBe(100_000n);

  // Kept as a credit: it is not refunded.
  await fetch(crediting.url + ITEMS, await payBy(crediting, { protocol: "x402 v2", payer }));
  const sql = `SELECT facts ->> 'nonce' AS nonce, credit.tx AS tx
    FROM credit JOIN paywall_sale ON paywall_sale.key = credit.key`;
  const kept = db.query<{ nonce: Hex; tx: Hex }>(sql).get()!;
  const { nonce, tx: transaction } = kept;
  const sale = newSale({ payer: payer.address, nonce, transaction });
  await expect(refunds.refund(sale)).rejects.toThrow("credit");
  expect(await held(market, payer.address)).toBe(90_000n);
});

test("two processes of one seller spend a credit once", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/shop.sqlite`;
  const payTo = (await newPayer()).address;
  const open = () => {
    const db = openDatabase(path);
    const credits = openCredits({ db });
    const afterFailure = creditAmends(credits);
    return openFailingShop({
      db,
      facilitator: market.facilitator.url,
      payTo,
      credits,
      afterFailure,
    });
  };
  await using one = await open();
  await using other = await open();
  const payer = await newPayer();
  await fetch(one.url + ITEMS, await payBy(one, { protocol: "x402 v2", payer }));
  Object.assign(one, { status: 200 });
  Object.assign(other, { status: 200 });
  const requests = await Promise.all(
    [one, other, one, other].map(async (shop) => ({
      shop,
      paid: await payBy(shop, { protocol: "x402 v2", payer }),
    })),
  );
  const answers = await Promise.all(
    requests.map(({ shop, paid }) => fetch(shop.url + ITEMS, paid)),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(await held(market, payer.address)).toBe(100_000n - 40_000n);
});

test("a credit that does not cover the price is left alone; several together may", async () => {
  const db = openDatabase(":memory:");
  const credits = openCredits({ db });
  const shared = { db, facilitator: market.facilitator.url };
  await using cheap = await openFailingShop({ ...shared, afterFailure: creditAmends(credits) });
  await using dear = await openFailingShop({ ...shared, credits, price: "0.015" });
  Object.assign(dear, { status: 200 });
  const payer = await newPayer();
  const buy = async (shop: typeof cheap) =>
    fetch(shop.url + ITEMS, await payBy(shop, { protocol: "x402 v2", payer }));
  await buy(cheap);
  await buy(dear);
  expect(await held(market, payer.address)).toBe(75_000n);
  await buy(cheap);
  await buy(dear);
  expect(await held(market, payer.address)).toBe(65_000n);
  expect(credits.balance(payer.address, BASE_SEPOLIA_USDC)).toBe(5_000n);
});

test("a buyer who never comes back for what failed to be worked is refunded once the payment's window has closed", async () => {
  let now = Date.now();
  using desk = await openRefundDesk(market);
  const { db, refunds } = desk;
  await using shop = await openFailingShop({
    db,
    facilitator: market.facilitator.url,
    afterFailure: refundAmends(refunds),
    now: () => now,
  });
  const payer = await newPayer();
  const paid = await payBy(shop, { protocol: "x402 v2", payer });
  await fetch(shop.url + ITEMS, paid);
  // As a process leaves it that dies in the work.
  db.run("UPDATE paywall_sale SET state = 'paid', answer = NULL, owner = NULL");
  db.exec("DELETE FROM refund");
  expect(await shop.paywall.recover()).toBe(1);
  now += 200_000;
  expect(await shop.paywall.recover()).toBe(0);
  expect(await held(market, payer.address)).toBe(100_000n);
  const late = await fetch(shop.url + ITEMS, { ...paid, ...order("a"), headers: paid.headers! });
  expect([late.status, await late.json()]).toMatchObject([500, { refund: { state: "settled" } }]);
});

test("a quoted sale that turns out to have settled, and that the seller's work then refuses, is made good", async () => {
  await using faulty = await openFaultyFacilitator(market.facilitator.url);
  const db = openDatabase(":memory:");
  const credits = openCredits({ db });
  const clock = { now: Date.now(), taken: false };
  await using shop = await openShop({
    db,
    facilitatorUrl: faulty.url,
    now: () => clock.now,
    afterFailure: creditAmends(credits),
    onWork: () => (clock.taken ? { refusal: { status: 409, body: {} } } : undefined),
  });
  const payer = await newPayer();
  const paid = await payBy(shop, { protocol: "x402 v2", payer });
  faulty.fault = "lose-answer";
  expect((await fetch(shop.url + ITEMS, paid)).status).toBe(503);
  // As a process leaves it that dies before it records its work.
  db.run("UPDATE paywall_sale SET state = 'working', answer = NULL, owner = NULL");
  Object.assign(clock, { now: clock.now + 200_000, taken: true });
  faulty.fault = undefined;
  expect(await shop.paywall.recover()).toBe(0);
  expect(credits.balance(payer.address, BASE_SEPOLIA_USDC)).toBe(10_000n);
  const told = await fetch(shop.url + ITEMS, paid);
  expect([told.status, await told.json()]).toMatchObject([500, { credit: { amount: "10000" } }]);
  expect(shop.events).not.toContain("settled a");
});
