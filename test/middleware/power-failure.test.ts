/**
 * What a power failure leaves of a sale that was under way: of the books' files, what was on disk at that moment. Each is read as it is
 * when the seller asks its facilitator to settle, which is after the record of the work and before that of the settlement.
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PaywallFacilitator } from "../../middleware/index.ts";
import { openDatabase } from "../../store/index.ts";
import { openPaidShop, present, PROTOCOLS } from "./paid-shop.ts";
import { type Market, openMarket } from "./shop.ts";
import { httpFacilitator } from "../../middleware/paywall/http-facilitator.ts";

let market: Market;
let folder: string;
beforeAll(async () => {
  market = await openMarket();
  folder = mkdtempSync(join(tmpdir(), "purser-power-"));
});
afterAll(async () => {
  await market[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test.each(PROTOCOLS)(
  "%s: an answer that left before its record was on disk is the answer afterwards too, for one payment and one run",
  async (protocol) => {
    const path = join(folder, `${protocol}.sqlite`);
    const left = join(folder, `${protocol}-left.sqlite`);
    const real = httpFacilitator(market.facilitator.url);
    const facilitator: PaywallFacilitator = {
      verify: (...payment) => real.verify(...payment),
      settle(...payment) {
        for (const suffix of ["", "-wal"]) cpSync(path + suffix, left + suffix);
        return real.settle(...payment);
      },
    };
    const payer = await market.chain.newPayer(100_000n);
    const before = await openPaidShop({
      facilitator,
      db: openDatabase(path),
      publicOrigin: "http://shop.example",
    });
    const paid = await present(before, protocol, { payer });
    const answer = await fetch(`${before.url}/item/a`, paid);
    expect(answer.status).toBe(200);
    await before[Symbol.asyncDispose]();

    const db = openDatabase(left);
    expect(db.query("SELECT state FROM paywall_sale").all()).toEqual([{ state: "worked" }]);
    await using after = await openPaidShop({
      facilitator: real,
      // The seller's own process is gone, which here has to be believed of a silent one.
      now: () => Date.now() + 16_000,
      db,
      payTo: before.payTo,
      publicOrigin: "http://shop.example",
    });
    const again = await fetch(`${after.url}/item/a`, paid);
    expect([again.status, await again.json()]).toEqual([200, await answer.json()]);
    expect([before.runs.length, after.runs.length]).toEqual([1, 0]);
    expect(await market.chain.chain.balanceOf(payer.address)).toBe(90_000n);
  },
);

test.each(PROTOCOLS)(
  "%s: where the facilitator syncs the seller's own log, no answer leaves before its record is on the disk",
  async (protocol) => {
    const real = httpFacilitator(market.facilitator.url);
    const db = openDatabase(join(folder, `${protocol}-shared.sqlite`));
    const facilitator: PaywallFacilitator = { ...real, syncs: db };
    await using shop = await openPaidShop({ facilitator, db, publicOrigin: "http://shop.example" });
    const payer = await market.chain.newPayer(100_000n);
    const paid = await present(shop, protocol, { payer });
    const sync = db.sync.bind(db);
    db.sync = () => Promise.reject(new Error("the disk is full"));
    expect((await fetch(`${shop.url}/item/a`, paid)).status).toBe(500);
    db.sync = sync;
    const again = await fetch(`${shop.url}/item/a`, paid);
    expect([again.status, shop.runs.length]).toEqual([200, 1]);
    expect(await market.chain.chain.balanceOf(payer.address)).toBe(90_000n);
  },
);
