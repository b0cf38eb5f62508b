/**
 * `npm run bench`: measures what we promise, beside the best stock package where there is one. Prints a table, or with `--json`
 * one object `{ rows }`, in which `holds` says whether a target is met. A bench's name, or a part of it, as an argument runs that one alone.
 */
import { parseArgs } from "node:util";
import { alignTable } from "../cli/table.ts";
import { authorizations } from "./bench/authorizations.ts";
import type { Bench, BenchRow } from "./bench/bench.ts";
import { clientTime } from "./bench/client-time.ts";
import { openWorldRun } from "./bench/open-world-run.ts";
import { PAID_REQUESTS } from "./bench/paid-requests.ts";
import { PROVISIONING } from "./bench/provisioning.ts";
import { settlements } from "./bench/settlements.ts";
import { unpaidRequests } from "./bench/unpaid-requests.ts";
import { startToLive } from "./bench/start-to-live.ts";

const BENCHES: readonly Bench[] = [
  startToLive,
  openWorldRun,
  clientTime,
  settlements,
  ...PAID_REQUESTS,
  unpaidRequests,
  authorizations,
  ...PROVISIONING,
];

const USAGE = `npm run bench -- [names] [--json]

Measures what is promised, beside the stock packages in the same run. A part of a name is enough. Without names all of them, which takes some minutes:
on a machine that does something else meanwhile the figures mean little. A target that is missed does not fail the command.

${BENCHES.map(({ name }) => `  "${name}"`).join("\n")}
`;

const { values, positionals: wanted } = readArguments();
const { json } = values;
const rows: BenchRow[] = [];
for (const bench of BENCHES) {
  const { name, unit, better, timesBest } = bench;
  if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
  process.stderr.write(`${name} …\n`);
  const { ours, best = null, bestName = null, note = null } = await bench.measure();
  const multiple = (best ?? 0) * (better === "lower" ? 1 / (timesBest ?? 1) : (timesBest ?? 1));
  const target = timesBest === undefined ? bench.target : round(multiple);
  const holds = better === "lower" ? ours <= target : ours >= target;
  // Above 1 where we are better than the best.
  const ratio = best === null ? null : round(better === "lower" ? best / ours : ours / best);
  const figures = { ours: round(ours), best: best === null ? null : round(best), bestName, ratio };
  rows.push({ name, unit, ...figures, target, holds, note });
}

if (json) {
  process.stdout.write(`${JSON.stringify({ rows }, undefined, 2)}\n`);
} else {
  const lines = rows.map(({ name, unit, ours, best, bestName, ratio, target, holds, note }) => [
    name,
    `${ours} ${unit}`,
    `${target} ${unit}`,
    best === null ? "" : `${best} ${unit} (${bestName ?? ""}, ${ratio ?? ""}×)`,
    holds ? "holds" : "MISSED",
    note ?? "",
  ]);
  const table = alignTable([["", "ours", "target", "best", "", ""], ...lines]);
  process.stdout.write(`${table.join("\n")}\n`);
}

/** Prints the usage and ends where that is asked for (0), or where a name or an option is none (2). */
function readArguments() {
  const options = { json: { type: "boolean" }, help: { type: "boolean", short: "h" } } as const;
  let parsed;
  let problem: string | undefined;
  try {
    parsed = parseArgs({ options, allowPositionals: true });
    const unknown = parsed.positionals.find((part) =>
      BENCHES.every(({ name }) => !name.includes(part)),
    );
    if (unknown !== undefined) problem = `No bench has "${unknown}" in its name.`;
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  if (parsed && problem === undefined && parsed.values.help !== true) return parsed;
  process.stderr.write(problem === undefined ? "" : `${problem}\n\n`);
  process.stderr.write(USAGE);
  return process.exit(problem === undefined ? 0 : 2);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
