/**
 * The ledger beside a model of it: whatever commands come, in whatever order, both answer alike, with the same refusal or the
 * same state, and have the same left under every cap (I1, I8, I11, I12, I14, and that a refusal changes nothing).
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BOOKS } from "./ledger-books.ts";
import { type Model, type Real, STALE_MS } from "./ledger-model.ts";
import { commands } from "./ledger-model-commands.ts";

/** Each run has a book of its own, and a schema of PostgreSQL takes a while to make. */
const RUNS: Readonly<Record<string, number>> = { SQLite: 300 };
const FEW = 15;

describe.each(BOOKS)("on $name", ({ name, skip, openBook }) => {
  test.skipIf(skip)("the ledger answers as its model does", async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        const real = { clock: Date.UTC(2026, 10, 20) } as Real;
        using ledger = await openBook({ now: () => real.clock, staleAfterMs: STALE_MS });
        Object.assign(real, { ledger });
        const model: Model = { booked: 0, entries: new Map() };
        await fc.asyncModelRun(() => ({ model, real }), list);
        await expect(ledger.verify()).resolves.toBeDefined();
      }),
      { numRuns: RUNS[name] ?? FEW },
    );
  });
});
