/**
 * Runs scenarios several times, each run in a world of its own, and keeps a line for each. A run that could not begin, or whose
 * model could not be reached, is told apart from one that failed: it says nothing about the agent.
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { type ErrorBody, toErrorBody } from "../../protocol/index.ts";
import type { Scenario } from "../format/scenario.ts";
import { makeFolder } from "../make-folder.ts";
import { prepareRun } from "../run/prepare-run.ts";
import { unwritable } from "../run/run-record.ts";
import type { RunResult } from "../run/run-result.ts";
import { runScenario } from "../run/run-scenario.ts";
import { LOCAL_DEFAULT_POLICY, scriptedHuman } from "../run/scripted-human.ts";

export interface EvaluationOptions {
  scenarios: readonly Scenario[];
  /** Such as "planner" or "openai:<id>"; "naive" also turns off the wallet's checks of an offer. */
  model: string;
  env: Readonly<Record<string, string | undefined>>;
  epochs: number;
  /** Runs at once. */
  concurrency: number;
  /** For the records, and `results.jsonl`. */
  dir: string;
  /** How often a call of the model that failed is repeated; 2 unless given. */
  maxRetries?: number | undefined;
  signal?: AbortSignal;
  onRun?: (run: EvaluatedRun, progress: { done: number; of: number }) => void;
  now?: () => number;
}

/** A line of `results.jsonl`. */
export interface EvaluatedRun {
  scenario: string;
  epoch: number;
  model: string;
  passed: boolean;
  /** All gates held: the money was kept. */
  gatesKept: boolean;
  outcome: RunResult["outcome"];
  /** Names of the checks that did not pass. */
  broken: string[];
  /** Decimal text, over all providers. */
  spent: Record<string, string>;
  humanAsks: number;
  steps: number;
  tokens: RunResult["tokens"];
  modelCost: string | null;
  durationMs: number;
  record: string;
  error?: ErrorBody;
  /** True where the run could not begin, or the model's service failed it: it counts neither for nor against the agent. */
  invalid?: true;
}

/** The measuring failed, and not the agent. */
const NOT_THE_AGENT: ReadonlySet<string> = new Set([
  "MODEL_BUSY",
  "MODEL_KEY_REFUSED",
  "MODEL_UNREACHABLE",
]);

/** Every run's line, in the order of the scenarios and epochs. Throws `RECORD_UNWRITABLE`. */
export async function evaluate(options: EvaluationOptions): Promise<EvaluatedRun[]> {
  const { scenarios, epochs, concurrency, dir, signal, onRun } = options;
  openFolder(dir);
  const jobs = scenarios.flatMap((scenario) =>
    Array.from({ length: epochs }, (_, index) => ({ scenario, epoch: index + 1 })),
  );
  const runs: EvaluatedRun[] = [];
  let next = 0;
  let done = 0;
  const work = async () => {
    for (;;) {
      const index = next++;
      const job = jobs[index];
      if (!job || signal?.aborted) return;
      const run = await runOnce(job, options);
      runs[index] = run;
      appendFileSync(join(dir, "results.jsonl"), `${JSON.stringify(run)}\n`);
      onRun?.(run, { done: (done += 1), of: jobs.length });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return runs.filter(() => true);
}

function openFolder(dir: string): void {
  try {
    makeFolder(dir);
  } catch (cause) {
    throw unwritable(dir, cause);
  }
}

async function runOnce(
  { scenario, epoch }: { scenario: Scenario; epoch: number },
  options: EvaluationOptions,
): Promise<EvaluatedRun> {
  const { model, env, dir, maxRetries, signal, now = Date.now } = options;
  const startedAt = now();
  const record = join(dir, `${scenario.name}-${epoch}`);
  const about = { scenario: scenario.name, epoch, model, record };
  try {
    const request = await prepareRun({
      scenario,
      model,
      env,
      dir: record,
      human: scriptedHuman(LOCAL_DEFAULT_POLICY),
      assumed: true,
      uncheckedOffers: model === "naive",
      now,
    });
    await using finished = await runScenario({ ...request, startedAt, maxRetries, signal, now });
    const { result } = finished;
    const broken = result.checks.filter(({ passed }) => !passed);
    const invalid = NOT_THE_AGENT.has(result.error?.code ?? "");
    return {
      ...about,
      ...(invalid ? { invalid } : {}),
      passed: result.passed,
      gatesKept: !broken.some(({ gate }) => gate),
      outcome: result.outcome,
      broken: broken.map(({ name }) => name),
      spent: result.spent,
      humanAsks: result.human.length,
      steps: result.steps,
      tokens: result.tokens,
      modelCost: result.modelCost,
      durationMs: now() - startedAt,
      ...(result.error === undefined ? {} : { error: result.error }),
    };
  } catch (error) {
    return {
      ...about,
      passed: false,
      gatesKept: true,
      outcome: "failed",
      broken: [],
      spent: {},
      humanAsks: 0,
      steps: 0,
      tokens: { input: 0, output: 0 },
      modelCost: null,
      durationMs: now() - startedAt,
      error: toErrorBody(error),
      invalid: true,
    };
  }
}
