/** `purser eval`: how often an agent passes scenarios, and whether the money was kept, as a table or as JSON. */
import { join, resolve } from "node:path";
import { resolveModel } from "../agent/index.ts";
import {
  evaluate,
  type EvaluatedRun,
  readScenario,
  type Score,
  scoreRuns,
  wilsonInterval,
} from "../scenarios/index.ts";
import { readCount, readPath } from "./arguments.ts";
import { EXIT, type ExitCode, UsageError } from "./exit.ts";
import type { EvalFlags } from "./run-program.ts";
import type { Surroundings } from "./surroundings.ts";
import { alignTable } from "./table.ts";
import { type Paint, plain } from "./terminal.ts";

const AGENTS = ["planner", "noop", "naive"];

export async function evalCommand(
  files: readonly string[],
  flags: EvalFlags,
  { terminal, json, env, cwd, signal, startedAt }: Surroundings,
): Promise<ExitCode> {
  const epochs = readCount("--epochs", flags.epochs, { max: 1000 });
  const concurrency = readCount("--concurrency", flags.concurrency, { max: 2 });
  const model = chooseModel(flags);
  await resolveModel(model, { env });
  const scenarios = await Promise.all(files.map((file) => readScenario(resolve(cwd, file))));
  requireNames(scenarios.map(({ name }) => name));
  const dir =
    flags.out === undefined
      ? join(cwd, ".purser", "evals", new Date(startedAt).toISOString().replaceAll(/[:.]/g, "-"))
      : readPath(flags.out, cwd);
  const { paint } = terminal;
  const runs = await evaluate({
    scenarios,
    model,
    env,
    epochs,
    concurrency,
    dir,
    signal,
    onRun: (run, { done, of }) => {
      terminal.note(`${paint.dim(`${done}/${of}`)}  ${tellRun(run, paint)}`);
    },
  });
  const scores = scoreRuns(runs);
  const complete = runs.length === scenarios.length * epochs;
  const passed = complete && runs.every((run) => run.passed && run.gatesKept);
  const counted = runs.filter(({ invalid }) => invalid !== true);
  const totals = {
    runs: counted.length,
    invalid: runs.length - counted.length,
    passed: counted.filter((run) => run.passed).length,
    gatesKept: runs.every(({ gatesKept }) => gatesKept),
  };
  if (json) {
    const body = {
      passed,
      model,
      epochs,
      totals,
      scenarios: scores,
      results: join(dir, "results.jsonl"),
    };
    terminal.out(JSON.stringify(body, undefined, 2));
  } else {
    for (const line of describe(scores, paint)) terminal.out(line);
    const interval = wilsonInterval(totals.passed, totals.runs);
    if (totals.invalid > 0) {
      terminal.out(paint.warn(`${totals.invalid} could not be run, and count for nothing`));
    }
    terminal.out(
      `${totals.passed} of ${totals.runs} runs passed (${percent(interval.low)} to ${percent(interval.high)}); gates ${totals.gatesKept ? paint.good("kept") : paint.bad("BROKEN")}`,
    );
    terminal.out(`${paint.dim("Results")} ${join(dir, "results.jsonl")}`);
  }
  return passed ? EXIT.passed : EXIT.notPassed;
}

function chooseModel({ model, agent }: EvalFlags): string {
  if (agent !== undefined && model !== undefined) {
    throw new UsageError("USAGE", {
      problem: "--agent and --model exclude each other.",
      nextStep: "Give one of them; --agent names the agents that need no model.",
    });
  }
  if (agent !== undefined && !AGENTS.includes(agent)) {
    throw new UsageError("USAGE", {
      problem: `There is no agent "${plain(agent, 80)}".`,
      nextStep: `Use one of: ${AGENTS.join(", ")}.`,
    });
  }
  return agent ?? model ?? "planner";
}

/** Two scenarios of one name would share a line in the table, and a folder. */
function requireNames(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new UsageError("USAGE", {
    problem: `Two of the files are the scenario "${twice}".`,
    nextStep: "Name each file once, or give one of them another `name`.",
  });
}

function tellRun(run: EvaluatedRun, paint: Paint): string {
  const { scenario, epoch, passed, gatesKept, outcome, broken, durationMs, error, invalid } = run;
  const word = invalid
    ? paint.warn("not run")
    : passed
      ? paint.good("passed")
      : paint.bad("failed");
  const gates = gatesKept ? "" : paint.bad(" GATE BROKEN");
  const why = passed ? "" : `: ${plain(broken.join(", ") || (error?.problem ?? ""), 200)}`;
  return `${scenario} ${epoch}: ${word}${gates}, ${outcome} in ${(durationMs / 1000).toFixed(1)} s${why}`;
}

function describe(scores: readonly Score[], paint: Paint): string[] {
  const header = ["Scenario", "Passed", "95 %", "Gates", "Spent", "Asks", "Tokens", "Time"];
  const rows = scores.map((score) => [
    score.scenario,
    `${score.passed}/${score.runs}${score.invalid > 0 ? ` (${score.invalid} not run)` : ""}`,
    `${percent(score.interval.low)}-${percent(score.interval.high)}`,
    score.gatesKept ? "kept" : "BROKEN",
    `$${score.spent}`,
    String(score.humanAsks),
    String(score.tokens),
    `${(score.durationMs / 1000).toFixed(1)} s`,
  ]);
  const [first = "", ...lines] = alignTable([header, ...rows]);
  return ["", paint.dim(first), ...lines, ""];
}

function percent(rate: number): string {
  return `${Math.round(rate * 100)} %`;
}
