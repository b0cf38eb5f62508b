/** The seller's half of a payer's cap: nobody is asked, nobody is charged, and no number of processes gets round it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "../../store/index.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { type FaultyFacilitator, openFaultyFacilitator } from "./faulty-facilitator.ts";
import { ITEMS, order } from "./payments.ts";
import { payBy, type Protocol, PROTOCOLS } from "./protocol-payments.ts";
import { type Market, openMarket, openShop } from "./shop.ts";

let market: Market;
let facilitator: FaultyFacilitator;
let facilitatorUrl: string;
beforeAll(async () => {
  market = await openMarket();
  facilitator = await openFaultyFacilitator(market.facilitator.url);
  facilitatorUrl = facilitator.url;
});
afterAll(async () => {
  await facilitator[Symbol.asyncDispose]();
  await market[Symbol.asyncDispose]();
});

const newPayer = () => market.chain.newPayer(100_000n);
type Payer = Awaited<ReturnType<typeof newPayer>>;
const spentBy = async ({ address }: Payer) =>
  100_000n - (await market.chain.chain.balanceOf(address));
const buy = async (shop: { url: string }, payer: Payer, protocol: Protocol = "x402 v2") =>
  fetch(shop.url + ITEMS, await payBy(shop, { protocol, payer }));

describe.each(PROTOCOLS)("%s", (protocol) => {
  test("sells up to the cap to the unit; above it 403, without work, charge or a word to the facilitator", async () => {
    await using shop = await openShop({ facilitatorUrl, payerCap: () => 20_000n });
    const payer = await newPayer();
    const bought = [await buy(shop, payer, protocol), await buy(shop, payer, protocol)];
    expect(bought.map(({ status }) => status)).toEqual([201, 201]);
    const paid = await payBy(shop, { protocol, payer });
    // Whoever asked the facilitator would say 503.
    facilitator.verifyFault = "drop";
    const over = await fetch(shop.url + ITEMS, paid).finally(
      () => (facilitator.verifyFault = undefined),
    );
    expect([over.status, await over.json()]).toMatchObject([
      403,
      { error: "spend_limit_exceeded" },
    ]);
    expect(shop.events).toHaveLength(4);
    expect(await spentBy(payer)).toBe(20_000n);
  });
});

test("what was bought before is answered again at the cap", async () => {
  await using shop = await openShop({ facilitatorUrl, payerCap: () => 10_000n });
  const payer = await newPayer();
  const paid = await payBy(shop, { protocol: "x402 v2", payer });
  const answers = [await fetch(shop.url + ITEMS, paid), await fetch(shop.url + ITEMS, paid)];
  expect(answers.map(({ status }) => status)).toEqual([201, 201]);
});

test("a cap is of one payer and one UTC month, that of the claim", async () => {
  const clock = { now: Date.parse("2026-11-30T23:59:59.999Z") };
  const caps = new Map<string, bigint>();
  await using shop = await openShop({
    facilitatorUrl,
    payerCap: (payer) => caps.get(payer),
    now: () => clock.now,
  });
  const [capped, other] = [await newPayer(), await newPayer()];
  caps.set(capped.address, 10_000n);
  expect((await buy(shop, capped)).status).toBe(201);
  expect((await buy(shop, capped)).status).toBe(403);
  expect((await buy(shop, other)).status).toBe(201);
  clock.now += 1;
  expect((await buy(shop, capped)).status).toBe(201);
  expect((await buy(shop, capped)).status).toBe(403);
  expect(await spentBy(capped)).toBe(20_000n);
});

test("ten at once at two processes of one seller: as many as the cap covers, and no more", async () => {
  using folder = temporaryFolder();
  const open = () =>
    openShop({
      facilitatorUrl,
      db: openDatabase(`${folder.path}/shop.sqlite`),
      payerCap: () => 40_000n,
    });
  await using one = await open();
  await using other = await open();
  const payer = await newPayer();
  const shops = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? one : other));
  const answers = await Promise.all(shops.map((shop) => buy(shop, payer)));
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
  expect(statuses).toEqual([...Array(4).fill(201), ...Array(6).fill(403)]);
  expect(await spentBy(payer)).toBe(40_000n);
});

test("work that is refused leaves the cap as it was", async () => {
  let refuse = true;
  await using shop = await openShop({
    facilitatorUrl,
    payerCap: () => 10_000n,
    onWork: () => (refuse ? { refusal: { status: 409, body: { error: "taken" } } } : undefined),
  });
  const payer = await newPayer();
  expect((await buy(shop, payer)).status).toBe(409);
  refuse = false;
  expect((await buy(shop, payer)).status).toBe(201);
});

test("the cap is not told to whoever has no payment", async () => {
  await using shop = await openShop({ facilitatorUrl, payerCap: () => 0n });
  const response = await fetch(shop.url + ITEMS, order("a"));
  expect(response.status).toBe(402);
});

test("the index that a cap is read by is kept where there is a cap, also one that comes later", async () => {
  using folder = temporaryFolder();
  const db = openDatabase(`${folder.path}/indexed.sqlite`);
  const indexes = () =>
    db.query("SELECT name FROM sqlite_master WHERE name = 'paywall_sale_payer'").all().length;
  const open = (options: object) => openShop({ facilitatorUrl, db, ...options });
  await using _ = await open({});
  expect(indexes()).toBe(0);
  await using capped = await open({ payerCap: () => 40_000n });
  expect(indexes()).toBe(1);
  expect((await buy(capped, await newPayer())).status).toBe(201);
});
