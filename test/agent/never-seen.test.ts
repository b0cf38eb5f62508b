import { expect, test } from "vitest";
import { openRealWorld } from "./real-world.ts";
import { run } from "./run.ts";

const GOAL = "Put a page for Nimbus Coffee on nimbus.dev that keeps a guestbook.";

test("the planner buys, deploys and proves at a provider that describes itself in words of its own", async () => {
  await using world = await openRealWorld({ budget: 25_000_000n });
  const result = await run(world.desk, GOAL);
  expect(result).toMatchObject({ outcome: "live", hostname: "nimbus.dev", toolErrors: 0 });
  expect(await (await fetch(result.url ?? "")).text()).toContain("Nimbus Coffee");
  expect(await world.spent()).toBe(9_000_000n);
  expect([...world.opened.beacons.keys()]).toEqual(["nimbus.dev"]);
  expect(await world.orchestrator.payments(world.project)).toMatchObject([
    { service: "pharos/beacon", amount: "9.00", state: "settled" },
  ]);
  expect(world.asks.map(({ kind }) => kind)).toEqual(["terms"]);
  // The chest needs a tower, which the goal never mentions.
  const resources = world.events.flatMap((event) =>
    event.type === "resource" ? [event.service] : [],
  );
  expect(resources.toSorted()).toEqual(["pharos/chest", "pharos/lamp.oil", "pharos/tower"]);
});

test("a second run in the same project finds what is there, and the wallet stays closed", async () => {
  await using world = await openRealWorld({ budget: 25_000_000n });
  await run(world.desk, GOAL);
  expect(await run(world.desk, GOAL)).toMatchObject({ outcome: "live" });
  expect(await world.spent()).toBe(9_000_000n);
});

test.each([
  ["the budget is one unit short", { budget: 8_999_999n }, "OVER_BUDGET"],
  [
    "the human declines the terms",
    { budget: 25_000_000n, terms: "decline" as const },
    "TERMS_DECLINED",
  ],
  ["the name is somebody else's", { budget: 25_000_000n, taken: ["nimbus.dev"] }, "DOMAIN_TAKEN"],
])("nothing is bought when %s", async (_, options, code) => {
  await using world = await openRealWorld(options);
  const result = await run(world.desk, GOAL);
  expect(result).toMatchObject({ outcome: "refused", error: { code } });
  expect(await world.spent()).toBe(0n);
});
