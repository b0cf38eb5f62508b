/** Runs the seeds that its parent names, one message a seed, until the parent lets go of it. */
import { runSeed } from "./run-seed.ts";

export interface SeedReport {
  readonly seed: number;
  readonly digest: string;
  readonly steps: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** What was broken, with the last lines of the history. */
  readonly broken?: {
    readonly invariant: string;
    readonly problem: string;
    readonly tail: string[];
  };
}

const TAIL_LINES = 30;

process.on("message", (seeds: number[]) => void runAll(seeds));
process.on("disconnect", () => process.exit());

async function runAll(seeds: readonly number[]): Promise<void> {
  for (const seed of seeds) {
    const { broken, lines, digest, steps, outcomes } = await runSeed(seed);
    const evidence = broken && { broken: { ...broken, tail: lines.slice(-TAIL_LINES) } };
    process.send?.({ seed, digest, steps, outcomes, ...evidence } satisfies SeedReport);
  }
}
