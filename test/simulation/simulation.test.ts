/** The wallet in five hundred simulated worlds: whatever breaks, no invariant of it does (docs/simulation.md). */
import { expect, test } from "vitest";
import { runSeeds } from "./children.ts";

const SEEDS = 500;

test(
  "every invariant holds in each of five hundred seeds, and enough happens in them",
  { timeout: 300_000 },
  async () => {
    const reports = await runSeeds({ from: 1, seeds: SEEDS, jobs: 2 });
    const broken = reports.flatMap(({ seed, broken }) => (broken ? [{ seed, ...broken }] : []));
    expect(broken).toEqual([]);
    expect(reports).toHaveLength(SEEDS);
    const outcomes = new Set(reports.flatMap(({ outcomes }) => Object.keys(outcomes)));
    const seen = [
      "delivered settled",
      "undelivered settled",
      "unknown unknown",
      "refused CAP_EXCEEDED",
    ];
    expect([...outcomes]).toEqual(expect.arrayContaining(seen));
  },
);

test("the same seed is the same history", async () => {
  const [first, second] = await Promise.all([
    runSeeds({ from: 7, seeds: 10, jobs: 1 }),
    runSeeds({ from: 7, seeds: 10, jobs: 2 }),
  ]);
  expect(first.map(({ digest }) => digest)).toEqual(second.map(({ digest }) => digest));
});
