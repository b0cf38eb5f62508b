/**
 * A seller that is killed between claim, work, settlement, refund and answer: its buyers get what they paid for, once, or their money
 * back. `npm run kill-seller` does it at every step of every flow and protocol, and at any moment.
 */
import { expect, test } from "vitest";
import { seeded } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { SellerKiller } from "./seller-kill/seller-kills.ts";
import { openMarket } from "./shop.ts";

test("killed at the worst steps of both flows and of a refund, it loses nothing and does nothing twice", async () => {
  await using market = await openMarket();
  using folder = temporaryFolder();
  await using killer = new SellerKiller({ market, folder: folder.path, random: seeded(1) });
  await killer.open();
  const deaths = [
    await killer.dieAtStep("work-first", "MPP", { name: "after work", nth: 1 }),
    await killer.dieAtStep("work-first", "x402 v2", { name: "after settle", nth: 1 }),
    await killer.dieAtStep("settle-first", "x402 v1", { name: "after settle", nth: 1 }),
    await killer.dieAtStep("failing", "MPP", { name: "after sign", nth: 1 }),
    await killer.dieAtStep("failing", "x402 v2", { name: "after settle", nth: 2 }),
  ];
  await killer.audit();
  expect(deaths).toEqual([true, true, true, true, true]);
  expect(killer.report.violations).toEqual([]);
}, 90_000);
