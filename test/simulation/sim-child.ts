/** Runs the seeds that its parent names, some at a time, until the parent lets go of it. */
import { runSeed } from "./run-seed.ts";

export interface SeedReport {
  readonly seed: number;
  readonly digest: string;
  readonly outcomes: Readonly<Record<string, number>>;
  /** What was broken, with the last lines of the history. */
  readonly broken?: {
    readonly invariant: string;
    readonly problem: string;
    readonly tail: readonly string[];
  };
}

const TAIL_LINES = 30;

process.on("message", (seeds: number[]) => void runAll(seeds));
process.on("disconnect", () => process.exit());

async function runAll(seeds: readonly number[]): Promise<void> {
  const reports: SeedReport[] = [];
  for (const seed of seeds) {
    const { broken, lines, digest, outcomes } = await runSeed(seed);
    const evidence = broken && { broken: { ...broken, tail: lines.slice(-TAIL_LINES) } };
    reports.push({ seed, digest, outcomes, ...evidence });
  }
  process.send?.(reports);
}
