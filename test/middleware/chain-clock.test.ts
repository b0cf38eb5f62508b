/** The chain's clock as the wallet keeps it: asked seldom, never for long gone by, and never a proof of anything. */
import { expect, test } from "vitest";
import { ChainClock } from "../../middleware/chain-clock.ts";

function openClock() {
  const world = { ours: 1_000_000_000, chains: 999_990n, asked: 0, away: false };
  const chain = {
    now: async () => {
      world.asked += 1;
      if (world.away) throw new Error("chain away");
      return world.chains;
    },
  };
  const clock = new ChainClock({ chain, now: () => world.ours });
  return { world, clock };
}

test("the chain is asked once, and its clock goes on with ours", async () => {
  const { world, clock } = openClock();
  expect(await clock.read()).toBe(999_990n);
  world.ours += 2_000;
  expect(await clock.read()).toBe(999_992n);
  expect(world.asked).toBe(1);
});

test("after some seconds it is read again, and nobody waits for that", async () => {
  const { world, clock } = openClock();
  await clock.read();
  world.ours += 10_000;
  world.chains = 999_900n;
  expect(await clock.read()).toBe(1_000_000n);
  expect(world.asked).toBe(2);
  expect(await clock.read()).toBe(999_900n);
});

test("a chain that is away for some seconds stops nothing, and one that is away for a minute stops the payment", async () => {
  const { world, clock } = openClock();
  await clock.read();
  world.away = true;
  world.ours += 60_000;
  expect(await clock.read()).toBe(1_000_050n);
  world.ours += 1;
  await expect(clock.read()).rejects.toThrow("chain away");
});

test.each([
  ["it was forgotten", (clock: ChainClock) => clock.forget(), 0],
  ["our clock was set back", () => undefined, -1],
])("it is asked where %s", async (_, act, shift) => {
  const { world, clock } = openClock();
  await clock.read();
  act(clock);
  world.ours += shift;
  world.chains = 1_500_000n;
  expect(await clock.read()).toBe(1_500_000n);
});
