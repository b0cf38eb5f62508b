/**
 * The ledger beside a model of it: whatever commands come, in whatever order, both answer alike, with the same refusal or the
 * same state, and have the same left under every cap (I1, I8, I11, I12, I14, and that a refusal changes nothing).
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Model, type Real, STALE_MS } from "./ledger-model.ts";
import { commands } from "./ledger-model-commands.ts";
import { openBook } from "./ledger-world.ts";

test("the ledger answers as its model does", async () => {
  await fc.assert(
    fc.asyncProperty(commands, async (list) => {
      const real = { clock: Date.UTC(2026, 10, 20) } as Real;
      using ledger = await openBook({ now: () => real.clock, staleAfterMs: STALE_MS });
      Object.assign(real, { ledger });
      const model: Model = { booked: 0, entries: new Map() };
      await fc.asyncModelRun(() => ({ model, real }), list);
      await expect(ledger.verify()).resolves.toBeDefined();
    }),
    { numRuns: 300 },
  );
});
