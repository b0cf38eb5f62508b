/** The short form of `npm run soak`: hundreds of paid requests with every fault, and every unit accounted for. */
import { expect, test } from "vitest";
import { runSoak } from "./soak/soak-run.ts";

test("buyers that abort, double and repeat, a facilitator that fails, restarts: money is conserved to the unit", async () => {
  const report = await runSoak({ requests: 400, seed: 7, buyers: 16, restartEvery: 150 });
  expect(report).toMatchObject({ requests: 400, restarts: 2, violations: [] });
  expect(report.delivered + report.failed).toBe(400);
  expect(Object.keys(report.faults).length).toBeGreaterThan(2);
  expect(BigInt(report.refunded)).toBeGreaterThan(0n);
}, 90_000);
