/** Ring 2: real payments on a local chain. A right shop and our paywall hold; each case is failed by a shop with one fault. */
import { zeroAddress } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CASES, check, LEVELS, type LocalWorld, openLocalWorld } from "../../conformance/index.ts";
import { openShop } from "../middleware/shop.ts";
import { RING_2 } from "./ring2-mutants.ts";
import { openCarefulShop } from "./shop.ts";

let world: LocalWorld;
beforeAll(async () => {
  world = await openLocalWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const bad = ({ verdict }: { verdict: string }) => !["pass", "info", "skip"].includes(verdict);

test("a right shop has nothing to mend, and each of its sales is settled", async () => {
  const { facilitatorUrl, payer } = world;
  await using shop = await openCarefulShop({ facilitatorUrl });
  const before = await payer.money!.chain.balanceOf(payer.account.address);
  const report = await check({ url: shop.url, ring: 2, payer, expect: { sibling: "/other" } });
  expect(report.results.filter(bad)).toEqual([]);
  expect(report.outcome).toBe("passed");
  const after = await payer.money!.chain.balanceOf(payer.account.address);
  expect(before - after).toBe(BigInt(shop.worked()) * 10_000n);
});

test("our paywall has nothing to mend but one thing, in any protocol that it speaks", async () => {
  await using shop = await openShop({ facilitatorUrl: world.facilitatorUrl });
  const { payer } = world;
  const expected = { sibling: "/shop/items/b" };
  const report = await check({ url: `${shop.url}/shop/items/a`, ring: 2, payer, expect: expected });
  // It takes a payment at whichever of its routes it comes to first, whatever its resource says.
  expect(report.results.filter(bad).map(({ id }) => id)).toEqual(["TAMP-19"]);
  expect(report.profiles).toEqual(["x402-v2", "x402-v1", "mpp"]);
});

describe("one fault", () => {
  test.each(RING_2)("%s notices a shop that %s", async (id, _, faults) => {
    const { facilitatorUrl, payer } = world;
    const [gift] = await payer.money!.chain.transfersBetween(zeroAddress, payer.account.address);
    const fault = typeof faults === "function" ? faults({ given: gift!.transaction }) : faults;
    await using shop = await openCarefulShop({ facilitatorUrl, ...fault });
    const first = id === "SETL-06" ? ["RPLY-01"] : [];
    for (const only of [...first.map((one) => [one]), [id]]) {
      const report = await check({
        url: shop.url,
        ring: 2,
        only,
        payer,
        profiles: ["x402-v2"],
        expect: { sibling: "/other" },
      });
      if (only[0] !== id) continue;
      const found = report.results.find((result) => result.id === id);
      expect(found?.verdict, found?.seen).toBe(LEVELS[found!.level].broken);
    }
  });

  test("is known for every case of ring 2 that can fail", () => {
    const killed = new Set<string>(RING_2.map(([id]) => id));
    const able = CASES.filter(({ ring, id }) => ring === 2 && !id.startsWith("MPP"));
    expect(able.map(({ id }) => id).filter((id) => !killed.has(id))).toEqual([]);
  });
});

test("ring 2 without money is refused", async () => {
  await expect(check({ url: "http://127.0.0.1:1/", ring: 2 })).rejects.toMatchObject({
    code: "CHECK_PLAN_INVALID",
  });
});

test("a run signs for no more than it may spend", async () => {
  await using shop = await openCarefulShop({ facilitatorUrl: world.facilitatorUrl });
  const { account, money } = world.payer;
  const payer = { account, money: { ...money!, maxSpend: 25_000n, signedFor: 0n } };
  const report = await check({ url: shop.url, ring: 2, payer, only: ["SETL-01", "RPLY-11"] });
  expect(report.results.map(({ id, verdict }) => [id, verdict])).toEqual([
    ["SETL-01", "pass"],
    ["RPLY-11", "cannot-assess"],
  ]);
  expect(shop.worked()).toBe(1);
});
