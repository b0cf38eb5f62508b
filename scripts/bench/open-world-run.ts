/** A whole run in a world that is up already: goal to proven live URL, record and report written; the median of several. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  LOCAL_DEFAULT_POLICY,
  openWorld,
  prepareRun,
  runScenario,
  scriptedHuman,
  sentenceScenario,
} from "../../scenarios/index.ts";
import { type Bench, median } from "./bench.ts";

const RUNS = 15;

export const openWorldRun: Bench = {
  name: "run in an open world",
  unit: "ms",
  target: 800,
  better: "lower",
  async measure() {
    const folder = mkdtempSync(join(tmpdir(), "purser-bench-"));
    try {
      await using world = await openWorld({ dir: join(folder, "world") });
      const times: number[] = [];
      for (let run = 0; run < RUNS; run += 1) {
        const start = performance.now();
        const request = await prepareRun({
          scenario: sentenceScenario(
            `Put a landing page for Nimbus Coffee on nimbus-${run}.dev.`,
            folder,
          ),
          env: {},
          dir: join(folder, `run-${run}`),
          human: scriptedHuman(LOCAL_DEFAULT_POLICY),
        });
        const { result } = await runScenario({ ...request, world });
        if (!result.passed)
          throw new Error(`The run did not pass: ${JSON.stringify(result.error)}`);
        times.push(performance.now() - start);
      }
      return { ours: median(times) };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
