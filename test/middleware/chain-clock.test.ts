/** The chain's clock as the wallet keeps it: asked seldom, never for long gone by, and never a proof of anything. */
import { expect, test } from "vitest";
import { ChainClock } from "../../middleware/chain-clock.ts";

function openClock() {
  const world = { stopwatch: 5_000, chains: 999_990n, asked: 0, away: false };
  const chain = {
    now: async () => {
      world.asked += 1;
      if (world.away) throw new Error("chain away");
      return world.chains;
    },
  };
  const clock = new ChainClock({ chain, elapsed: () => world.stopwatch });
  return { world, clock };
}

test("the chain is asked once, and its clock goes on with the stopwatch", async () => {
  const { world, clock } = openClock();
  expect(await clock.read()).toBe(999_990n);
  world.stopwatch += 2_000;
  expect(await clock.read()).toBe(999_992n);
  expect(world.asked).toBe(1);
});

test("after some seconds it is read again, and nobody waits for that", async () => {
  const { world, clock } = openClock();
  await clock.read();
  world.stopwatch += 10_000;
  world.chains = 999_900n;
  expect(await clock.read()).toBe(1_000_000n);
  expect(world.asked).toBe(2);
  expect(await clock.read()).toBe(999_900n);
});

test("a chain that is away for some seconds stops nothing, and one that is away for a minute stops the payment", async () => {
  const { world, clock } = openClock();
  await clock.read();
  world.away = true;
  world.stopwatch += 60_000;
  expect(await clock.read()).toBe(1_000_050n);
  world.stopwatch += 1;
  await expect(clock.read()).rejects.toThrow("chain away");
});

test("it is asked where it was forgotten", async () => {
  const { world, clock } = openClock();
  await clock.read();
  clock.forget();
  world.chains = 1_500_000n;
  expect(await clock.read()).toBe(1_500_000n);
});
