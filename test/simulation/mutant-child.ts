/** Hunts the mutants that its parent names: runs seed after seed with each, until one of them breaks an invariant. */
import { MUTANTS } from "./mutants.ts";
import { runSeed } from "./run-seed.ts";

export interface Hunt {
  readonly name: string;
  /** The first seed that caught it, and by which invariant; undefined where none did. */
  readonly caught:
    | { readonly seed: number; readonly invariant: string; readonly problem: string }
    | undefined;
}

/** A wallet that is this wrong must be seen this soon. */
const MAX_SEEDS = 500;

process.on("message", (name: string) => void hunt(name));
process.on("disconnect", () => process.exit());

async function hunt(name: string): Promise<void> {
  const mutant = MUTANTS.find((known) => known.name === name);
  let caught: Hunt["caught"];
  for (let seed = 1; seed <= MAX_SEEDS && !caught; seed += 1) {
    const { broken } = await runSeed(seed, mutant);
    if (broken) caught = { seed, ...broken };
  }
  process.send?.({ name, caught } satisfies Hunt);
}
