/**
 * A run from its order to its proof: opens the world, lets the agent work, looks at the result from outside, and writes the
 * record. What the agent or a provider did never makes it throw; only a world that cannot open does.
 */
import { preloadAgent, readTrace, runAgent } from "../../agent/index.ts";
import { type Catalog, parseDecimal, type TraceLine, toErrorBody } from "../../protocol/index.ts";
import { checkRun } from "../checks/index.ts";
import { openWorld, type World } from "../world/world.ts";
import { NEXT_STEPS, WorldError } from "../world/world-error.ts";
import { buildResult } from "./build-result.ts";
import { gatherEvidence } from "./gather-evidence.ts";
import type { RunRequest } from "./prepare-run.ts";
import { emptyResult, type RunResult } from "./run-result.ts";
import { openRunTrace, type RunTrace } from "./run-trace.ts";
import { stagesOf } from "./stages.ts";

export interface RunScenarioOptions extends RunRequest {
  /** An open world to run in, one run at a time; by default the run opens its own, and closing the run closes it. */
  world?: World | undefined;
  signal?: AbortSignal | undefined;
  /** Each event of the run as it happens. */
  onEvent?: (line: TraceLine) => void;
  /** When the person started it: the first stage begins then. */
  startedAt?: number;
  maxSteps?: number;
  timeoutMs?: number;
  /** How often a call of the model that failed is repeated. */
  maxRetries?: number | undefined;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** The run is over; its world is still up, so that the URL can be looked at, until this is closed. */
export interface FinishedRun extends AsyncDisposable {
  readonly result: RunResult;
  readonly world: World;
  close(): Promise<void>;
}

const ASSUMED =
  "Nobody is asked in this run: it has no `human` policy and no terminal, so every ask is accepted by default.";
const RUN_LIFETIME_MS = 24 * 60 * 60_000;
const DECIMALS = 6;

/** Runs a prepared request; throws a `WorldError` when the world cannot open. */
export async function runScenario(options: RunScenarioOptions): Promise<FinishedRun> {
  const { scenario, model, budget, record, resumed, now = Date.now } = options;
  const { onEvent, startedAt = now() } = options;
  const trace = openRunTrace(record.tracePath, { now, ...(onEvent ? { onEvent } : {}) });
  trace.append({
    type: "run",
    goal: scenario.goal,
    model: model.name,
    budget,
    scenario: scenario.name,
    ...(resumed ? { resumed } : {}),
  });
  try {
    const world = options.world ?? (await trace.stage("world", () => open(options), startedAt));
    const close = async () => {
      if (!options.world) await world.close();
    };
    try {
      const result = await runIn(world, options, { trace, startedAt });
      return { result, world, close, [Symbol.asyncDispose]: close };
    } catch (error) {
      await close();
      throw error;
    }
  } catch (error) {
    if (resumed && isInUse(error)) throw error;
    const about = { scenario: scenario.name, model: model.name, budget, record: record.dir };
    const result = emptyResult({ ...about, error: toErrorBody(error) });
    trace.append({ type: "outcome", outcome: "failed", passed: false, error: toErrorBody(error) });
    record.finish(result, readTrace(record.tracePath));
    throw error;
  } finally {
    trace.close();
  }
}

/** Then the run goes on in the other program, and its record is that one's to write. */
function isInUse(error: unknown): boolean {
  return error instanceof WorldError && error.code === "WORLD_IN_USE";
}

async function open({ record, scenario, providers, uncheckedOffers, signal }: RunScenarioOptions) {
  const [world] = await Promise.all([
    openWorld({
      dir: record.worldDir,
      options: scenario.world,
      providers,
      uncheckedOffers,
      signal,
    }),
    preloadAgent(),
  ]);
  return world;
}

async function runIn(
  world: World,
  options: RunScenarioOptions,
  { trace, startedAt }: { trace: RunTrace; startedAt: number },
): Promise<RunResult> {
  const { scenario, model, budget, record, human, workspace, signal } = options;
  const { maxSteps, timeoutMs, maxRetries, uncheckedOffers, now = Date.now } = options;
  const limit = parseDecimal(budget, DECIMALS);
  using _ = world.attend({ trace, human });
  const { ids, token } = beginRun(world, { record, name: scenario.name, budget: limit, now });
  // Read now, so that the agent finds it read.
  const { catalog, warnings: unread } = await world.orchestrator.catalog();
  const warnings = options.assumed ? [...unread, ASSUMED] : unread;
  for (const text of warnings) trace.append({ type: "warning", text });
  requireProviders(options.providers, catalog, warnings);
  const agent = await trace.stage("agent", () =>
    runAgent({
      goal: scenario.goal,
      model: model.model,
      modelName: model.name,
      orchestratorUrl: world.addresses.orchestratorUrl,
      token,
      workspace,
      trace,
      now,
      signal,
      uncheckedOffers,
      ...(maxSteps === undefined ? {} : { maxSteps }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(maxRetries === undefined ? {} : { maxRetries }),
    }),
  );
  const { evidence, checks } = await trace.stage("proof", async () => {
    const lines = readTrace(record.tracePath);
    const gathered = { world, scenario, budget: limit, ...ids, agent, lines };
    const evidence = await gatherEvidence(gathered);
    return { evidence, checks: await checkRun(evidence) };
  });
  for (const { name, passed, detail } of checks)
    trace.append({ type: "check", name, passed, detail });
  const result = buildResult({
    ...options,
    world,
    agent,
    evidence,
    checks,
    warnings,
    stages: stagesOf(readTrace(record.tracePath).filter(({ at }) => at >= startedAt)),
    durationMs: now() - startedAt,
  });
  const { outcome, passed, url, error } = result;
  trace.append({
    type: "outcome",
    outcome,
    passed,
    ...(url === null ? {} : { url }),
    ...(error === undefined ? {} : { error }),
  });
  record.finish(result, readTrace(record.tracePath));
  return result;
}

/** A provider that the person named must be usable: a run that quietly did without it would mislead its owner. */
function requireProviders(urls: readonly string[], { providers }: Catalog, warnings: string[]) {
  const base = (url: string) => url.replace(/\/$/, "");
  for (const url of urls) {
    if (providers.some(({ baseUrl }) => base(baseUrl) === base(url))) continue;
    const why = warnings.find((text) => text.includes(base(url))) ?? "it was not read";
    throw new WorldError("WORLD_START_FAILED", {
      problem: `The provider ${url} cannot be used: ${why.slice(0, 500)}`,
      nextStep: NEXT_STEPS.provider,
      details: { part: "provider" },
    });
  }
}

/** A new project and run, or those of the interrupted one, under the budget that it has left. */
function beginRun(
  { orchestrator }: World,
  about: Pick<RunRequest, "record"> & { name: string; budget: bigint; now: () => number },
) {
  const { record, name, budget, now } = about;
  const expiresAt = now() + RUN_LIFETIME_MS;
  const before = record.order.ids;
  if (before) {
    const { token } = orchestrator.renewRun({ runId: before.run, expiresAt });
    return { ids: before, token };
  }
  const project = orchestrator.createProject({ name }).id;
  const { runId: run, token } = orchestrator.startRun({ project, budget, expiresAt });
  record.remember({ project, run });
  return { ids: { project, run }, token };
}
