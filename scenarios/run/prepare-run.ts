/**
 * Everything about a run that can be wrong before anything starts: the scenario, the model and its key, the user's files, the
 * folder. What passes here can be run; what does not has started nothing.
 */
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { type ResolvedModel, resolveModel } from "../../agent/index.ts";
import { formatDecimal, type Human, parseDecimal, PurserError } from "../../protocol/index.ts";
import { parseScenario } from "../format/parse-scenario.ts";
import { type Scenario, sentenceScenario } from "../format/scenario.ts";
import { createRecord, RecordError, resumeRecord, type RunRecord } from "./run-record.ts";
import { scriptedHuman } from "./scripted-human.ts";

export interface RunPlan {
  /** May be left out where a run is resumed. */
  scenario?: Scenario | undefined;
  /** Such as "planner"; the default is the resumed run's, or `planner`. */
  model?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  /** Decimal text; the scenario's own unless given. */
  budget?: string | undefined;
  /** Base URLs of the user's own providers. */
  providers?: readonly string[] | undefined;
  /** The folder for the record. */
  dir: string | ((scenario: Scenario) => string);
  /** The folder of an interrupted run, to go on with. */
  resume?: string | undefined;
  /** A world of its own folder; by default it lies in the record's. */
  worldDir?: string | undefined;
  /** Answers where the scenario has no policy. */
  human: Human;
  /** True where `human` is nobody, and accepts by default: the record then says so. */
  assumed?: boolean | undefined;
  /** Only for the naive calibration agent: the wallet pays whatever it is asked, within budget and caps. */
  uncheckedOffers?: boolean | undefined;
  now?: () => number;
}

export interface RunRequest {
  scenario: Scenario;
  model: ResolvedModel;
  budget: string;
  providers: readonly string[];
  record: RunRecord;
  human: Human;
  /** Nobody is asked: what the run wants accepted is accepted by default. */
  assumed: boolean;
  /** The folder of the user's own that the agent may deploy parts of. */
  workspace: string | undefined;
  resumed: boolean;
  uncheckedOffers: boolean;
}

export class FilesError extends PurserError<"FILES_UNREADABLE"> {}

/** Checks a plan whole, and makes or opens its record, or throws what is wrong with it. */
export async function prepareRun(plan: RunPlan): Promise<RunRequest> {
  const { env, human, providers = [], uncheckedOffers = false, now = Date.now } = plan;
  const resumed = plan.resume === undefined ? undefined : resumeRecord(plan.resume);
  const scenario = chooseScenario(plan.scenario, resumed);
  const budget = chooseBudget(plan.budget, scenario, resumed);
  const model = await resolveModel(chooseModel(plan.model, resumed), { env });
  const workspace = chooseWorkspace(scenario);
  const record = resumed ?? newRecord(plan, { scenario, budget, model: model.name, now });
  return {
    scenario,
    model,
    budget,
    providers,
    record,
    human: scenario.human ? scriptedHuman(scenario.human) : human,
    assumed: (plan.assumed ?? false) && scenario.human === undefined,
    workspace,
    resumed: resumed !== undefined,
    uncheckedOffers,
  };
}

function newRecord(
  { dir, worldDir }: RunPlan,
  about: { scenario: Scenario; budget: string; model: string; now: () => number },
): RunRecord {
  const { scenario, budget, model, now } = about;
  const folder = typeof dir === "string" ? dir : dir(scenario);
  return createRecord(folder, {
    scenario: { path: scenario.path, source: scenario.source, folder: scenario.folder },
    goal: scenario.goal,
    model,
    budget,
    ...(worldDir === undefined ? {} : { world: worldDir }),
    startedAt: now(),
  });
}

function chooseScenario(given: Scenario | undefined, resumed: RunRecord | undefined): Scenario {
  if (!resumed) {
    if (given) return given;
    throw new TypeError("a run needs a scenario");
  }
  const { path, source, folder } = resumed.order.scenario;
  if (given && given.source.trim() !== source.trim()) {
    throw differs(resumed, "another goal or other settings", given.goal, resumed.order.goal);
  }
  return path === null ? sentenceScenario(source, folder) : parseScenario(source, { path });
}

function chooseModel(given: string | undefined, resumed: RunRecord | undefined): string {
  if (resumed && given !== undefined && given !== resumed.order.model) {
    throw differs(resumed, "another model", given, resumed.order.model);
  }
  return given ?? resumed?.order.model ?? "planner";
}

function chooseBudget(
  given: string | undefined,
  scenario: Scenario,
  resumed: RunRecord | undefined,
): string {
  const budget = formatDecimal(parseDecimal(given ?? scenario.budget, 6), 6);
  if (!resumed) return budget;
  if (given !== undefined && budget !== resumed.order.budget) {
    throw differs(resumed, "another budget", budget, resumed.order.budget);
  }
  return resumed.order.budget;
}

function differs({ dir }: RunRecord, what: string, asked: string, recorded: string): RecordError {
  return new RecordError("RESUME_DIFFERS", {
    problem: `The run in ${dir} has ${what}: "${recorded.slice(0, 200)}", not "${asked.slice(0, 200)}".`,
    nextStep: "Resume it with the command that began it, or with --resume alone.",
  });
}

/** A scenario names its folder, for a sentence it is the one that the person is in; throws `FILES_UNREADABLE`. */
export function chooseWorkspace({ world, folder, path }: Scenario): string | undefined {
  if (world.files === undefined) return path === null ? folder : undefined;
  const workspace = resolve(folder, world.files);
  if (existsSync(workspace) && statSync(workspace).isDirectory()) return workspace;
  throw new FilesError("FILES_UNREADABLE", {
    problem: `The scenario's folder "${world.files}" is not at ${workspace}.`,
    nextStep: "Name a folder relative to the scenario file in `world.files`.",
  });
}
