/**
 * `npm run sim`: ten thousand simulated histories of the wallet, each from one seed. Exit code 0 where every invariant held in all
 * of them, 1 with the seeds where not, 2 for arguments that it does not know.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { runSeed } from "../test/simulation/run-seed.ts";
import { huntMutants, runSeeds } from "../test/simulation/children.ts";
import { MUTANTS } from "../test/simulation/mutants.ts";
import type { SeedReport } from "../test/simulation/sim-child.ts";

const HELP = `npm run sim -- [options]

Simulates the wallet: clock, network, disk, signer, sellers and chain are doubles, driven by one seed. See docs/simulation.md.

  --seeds N   how many (10000)
  --from N    the first one (1); to go on where a run was stopped
  --seed N    this one alone, with everything that happened in it
  --jobs N    processes (one a core)
  --mutants   instead, hunt wallets that are wrong on purpose, and say which seed caught each
  --json      print one JSON object
  --help
`;

const { values } = readArguments();
if (values.help === true) process.stdout.write(HELP);
else if (values.seed !== undefined) await replay(number(values.seed));
else if (values.mutants === true) await hunt();
else await runAll();

async function replay(seed: number): Promise<void> {
  const { lines, broken, digest, steps } = await runSeed(seed);
  if (values.json === true) return print({ seed, broken, digest, steps, lines });
  process.stdout.write(`${lines.join("\n")}\n`);
  process.exitCode = broken ? 1 : 0;
}

async function hunt(): Promise<void> {
  const names = MUTANTS.map(({ name }) => name);
  let missed = 0;
  await huntMutants(names, number(values.jobs ?? String(availableParallelism())), (found) => {
    const { name, caught } = found;
    if (values.json === true) return process.stdout.write(`${JSON.stringify(found)}\n`);
    const seen = caught ? `${caught.invariant} in seed ${caught.seed}` : "NOT CAUGHT";
    missed += caught ? 0 : 1;
    return process.stdout.write(`${seen.padEnd(20)} a wallet that ${name}\n`);
  });
  process.exitCode = missed === 0 ? 0 : 1;
}

async function runAll(): Promise<void> {
  const seeds = number(values.seeds ?? "10000");
  const from = number(values.from ?? "1");
  const jobs = number(values.jobs ?? String(availableParallelism()));
  const begun = performance.now();
  let done = 0;
  const broken: SeedReport[] = [];
  const outcomes: Record<string, number> = {};
  const onReport = (report: SeedReport) => {
    done += 1;
    if (report.broken) tell(report);
    if (report.broken) broken.push(report);
    for (const [kind, count] of Object.entries(report.outcomes)) {
      outcomes[kind] = (outcomes[kind] ?? 0) + count;
    }
    if (done % 500 === 0) process.stderr.write(`${done}/${seeds} seeds, ${broken.length} broken\n`);
  };
  process.once("SIGINT", () => {
    process.stderr.write(`stopped; go on with --from ${from + done - (done % 100)}\n`);
    process.exit(130);
  });
  await runSeeds({ from, seeds, jobs, onReport });
  const seconds = Math.round((performance.now() - begun) / 1000);
  process.exitCode = broken.length === 0 ? 0 : 1;
  if (values.json === true) return print({ seeds, from, seconds, outcomes, broken });
  for (const [kind, count] of Object.entries(outcomes).sort(([, a], [, b]) => b - a)) {
    process.stdout.write(`${String(count).padStart(8)} ${kind}\n`);
  }
  const list = broken.map(({ seed }) => seed).sort((a, b) => a - b);
  const verdict = list.length === 0 ? "every invariant held" : `BROKEN in ${list.join(", ")}`;
  process.stdout.write(`${seeds} seeds from ${from} in ${seconds} s: ${verdict}\n`);
}

function tell({ seed, broken }: SeedReport): void {
  process.stderr.write(`\nseed ${seed}: ${broken?.problem}\n  ${broken?.tail.join("\n  ")}\n`);
  process.stderr.write(`again with: npm run sim -- --seed ${seed}\n\n`);
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

function number(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : usage(`${text} is no number`);
}

function readArguments() {
  const flag = { type: "boolean" } as const;
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      options: {
        seeds: text,
        from: text,
        seed: text,
        jobs: text,
        mutants: flag,
        json: flag,
        help: flag,
      },
    });
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
}

function usage(problem: string): never {
  process.stderr.write(`${problem}\n\n${HELP}`);
  process.exit(2);
}
