/** What becomes of a sale when the facilitator fails or the shop dies between work, settlement and record. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openDatabase } from "../../store/index.ts";
import { type FaultyFacilitator, openFaultyFacilitator } from "./faulty-facilitator.ts";
import { ITEMS, pay } from "./payments.ts";
import { type Market, openMarket, openShop } from "./shop.ts";

let market: Market;
let facilitator: FaultyFacilitator;
beforeAll(async () => {
  // The stock libraries print the faults that these tests make.
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  market = await openMarket();
  facilitator = await openFaultyFacilitator(market.facilitator.url);
});
afterAll(async () => {
  await facilitator[Symbol.asyncDispose]();
  await market[Symbol.asyncDispose]();
});

const VERSIONS = [1, 2] as const;
const balanceOf = (address: `0x${string}`) => market.chain.chain.balanceOf(address);

async function withFault<T>(fault: FaultyFacilitator["fault"], work: () => Promise<T>): Promise<T> {
  facilitator.fault = fault;
  try {
    return await work();
  } finally {
    facilitator.fault = undefined;
  }
}

const UNKNOWN = VERSIONS.flatMap((version) =>
  (["lose-answer", "say-pending", "drop"] as const).map((fault) => [version, fault] as const),
);

test.each(UNKNOWN)(
  "v%i: after a facilitator's %s the buyer is told to send the same payment, and then gets what was bought, once",
  async (version, fault) => {
    await using shop = await openShop({ facilitatorUrl: facilitator.url });
    const payer = await market.chain.newPayer(20_000n);
    const paid = await pay(shop, { version, payer });
    const first = await withFault(fault, () => fetch(shop.url + ITEMS, paid));
    expect(first.status).toBe(503);
    expect(await first.json()).toMatchObject({ error: "settlement_pending" });
    const second = await fetch(shop.url + ITEMS, paid);
    expect(second.status).toBe(201);
    expect(shop.events).toEqual(["work a", "settled a"]);
    expect(await balanceOf(shop.payTo)).toBe(10_000n);
  },
);

test.each(VERSIONS)(
  "v%i: a settlement that is refused is a 402 with the reason, and the same payment can be tried again",
  async (version) => {
    await using shop = await openShop({ facilitatorUrl: facilitator.url });
    const payer = await market.chain.newPayer(20_000n);
    const paid = await pay(shop, { version, payer });
    const first = await withFault("refuse", () => fetch(shop.url + ITEMS, paid));
    expect([first.status, await first.json()]).toMatchObject([
      402,
      { error: "insufficient_funds" },
    ]);
    expect((await fetch(shop.url + ITEMS, paid)).status).toBe(201);
    expect(shop.events).toEqual(["work a", "settled a"]);
  },
);

test.each(VERSIONS)(
  "v%i: a shop that dies after settlement delivers when it is back, by itself",
  async (version) => {
    const db = openDatabase(join(mkdtempSync(join(tmpdir(), "purser-shop-")), "shop.sqlite"));
    const dies = () => {
      throw new Error("died before the commit");
    };
    const payer = await market.chain.newPayer(20_000n);
    const shop = await openShop({ facilitatorUrl: facilitator.url, db, settled: dies });
    const paid = await pay(shop, { version, payer });
    const first = await fetch(shop.url + ITEMS, paid);
    expect(first.status).toBe(500);
    expect(await balanceOf(shop.payTo)).toBe(10_000n);
    await using again = await openShop({ facilitatorUrl: facilitator.url, db });
    expect(await again.paywall.recover()).toBe(0);
    expect(again.events).toEqual(["settled a"]);
    const second = await fetch(again.url + ITEMS, paid);
    expect([second.status, await second.json()]).toMatchObject([201, { item: "a" }]);
    expect(again.events).toEqual(["settled a"]);
  },
);

test.each(VERSIONS)(
  "v%i: a shop that died before the work was done sells at the price it had quoted",
  async (version) => {
    const db = openDatabase(":memory:");
    const payer = await market.chain.newPayer(20_000n);
    const onWork = () => {
      throw new Error("died");
    };
    const shop = await openShop({ facilitatorUrl: facilitator.url, db, onWork });
    const paid = await pay(shop, { version, payer });
    await fetch(shop.url + ITEMS, paid);
    await using again = await openShop({ facilitatorUrl: facilitator.url, db, amount: 99_000n });
    expect(await again.paywall.recover()).toBe(1);
    expect((await fetch(again.url + ITEMS, paid)).status).toBe(201);
    expect(again.events).toEqual(["work a", "settled a"]);
    expect(await balanceOf(payer.address)).toBe(10_000n);
  },
);

test.each(VERSIONS)(
  "v%i: what its buyer was told is refused is not settled behind their back, also after a restart: they may have paid anew",
  async (version) => {
    const path = join(mkdtempSync(join(tmpdir(), "purser-shop-")), "shop.sqlite");
    const payer = await market.chain.newPayer(20_000n);
    const payTo = `0x${"ab".repeat(19)}0${version}` as const;
    const options = { facilitatorUrl: facilitator.url, payTo };
    await (async () => {
      await using shop = await openShop({ ...options, db: openDatabase(path) });
      const paid = await pay(shop, { version, payer });
      const refused = await withFault("refuse", () => fetch(shop.url + ITEMS, paid));
      expect(refused.status).toBe(402);
      expect(await shop.paywall.recover()).toBe(1);
    })();
    await using again = await openShop({ ...options, db: openDatabase(path) });
    expect(await again.paywall.recover()).toBe(1);
    expect([again.events, await balanceOf(payTo)]).toEqual([[], 0n]);
  },
);

test("work for a payment that was never settled is undone once its window has closed, and not before", async () => {
  const db = openDatabase(":memory:");
  let now = Date.now();
  const options = { facilitatorUrl: facilitator.url, db, now: () => now };
  await using shop = await openShop(options);
  const payer = await market.chain.newPayer(20_000n);
  const paid = await pay(shop, { version: 2, payer });
  await withFault("refuse", () => fetch(shop.url + ITEMS, paid));
  await withFault("refuse", async () => {
    expect(await shop.paywall.recover()).toBe(1);
    now += 179_000;
    expect(await shop.paywall.recover()).toBe(1);
    expect(shop.events).toEqual(["work a"]);
    now += 2_000;
    expect(await shop.paywall.recover()).toBe(0);
  });
  expect(shop.events).toEqual(["work a", "abandoned a"]);
  expect((await fetch(shop.url + ITEMS, paid)).status).toBe(402);
});

test("a closed window undoes nothing while the facilitator is silent, or says that it was paid", async () => {
  let now = Date.now();
  await using shop = await openShop({ facilitatorUrl: facilitator.url, now: () => now });
  const payer = await market.chain.newPayer(20_000n);
  const paid = await pay(shop, { version: 1, payer });
  await withFault("lose-answer", () => fetch(shop.url + ITEMS, paid));
  now += 1_000_000;
  expect(await withFault("drop", () => shop.paywall.recover())).toBe(1);
  expect(shop.events).toEqual(["work a"]);
  expect(await shop.paywall.recover()).toBe(0);
  expect(shop.events).toEqual(["work a", "settled a"]);
});

test("without a facilitator an unpaid request still gets its price, and a paid one is not charged", async () => {
  const away = await openFaultyFacilitator(market.facilitator.url);
  await using shop = await openShop({ facilitatorUrl: away.url });
  const payer = await market.chain.newPayer(20_000n);
  const v1 = await pay(shop, { version: 1, payer });
  const v2 = await pay(shop, { version: 2, payer });
  await away[Symbol.asyncDispose]();
  for (const paid of [v1, v2]) {
    const response = await fetch(shop.url + ITEMS, paid);
    expect(response.status).toBeGreaterThanOrEqual(400);
  }
  expect(shop.events).toEqual([]);
  expect(await balanceOf(payer.address)).toBe(20_000n);
});
