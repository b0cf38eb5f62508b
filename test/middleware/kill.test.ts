/**
 * Four processes that share one wallet are killed at random moments and at every named crash point, while they pay sellers whose
 * facilitator really settles. Afterwards chain, ledger and sellers agree to the unit (`npm run kill` does the same a thousand times).
 */
import { expect, test } from "vitest";
import { CRASH_POINTS } from "./kill/crash-points.ts";
import { runKills } from "./kill/kill-run.ts";

const postgres = process.env["PURSER_TEST_POSTGRES"] ?? "";

async function killAndCompare(kills: number, url?: string): Promise<void> {
  const report = await runKills({ kills, seed: 1, postgres: url });
  expect(report.violations).toEqual([]);
  expect(report.settled).toBeGreaterThan(kills / 4);
  const missed = Object.keys(CRASH_POINTS).filter((point) => report.at[point] === 0);
  expect(missed).toEqual([]);
}

test("after 60 kills nothing is overspent, charged twice, unexplained or left open", async () => {
  await killAndCompare(60);
}, 400_000);

test.skipIf(postgres === "")(
  "the same on PostgreSQL (PURSER_TEST_POSTGRES is its URL)",
  async () => {
    await killAndCompare(24, postgres);
  },
  400_000,
);
