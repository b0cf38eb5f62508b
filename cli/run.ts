/** `purser run`: everything is checked before anything starts; then the run, its end in words or as JSON, and the way out. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Human, TraceLine } from "../protocol/index.ts";
import {
  emptyResult,
  findSharedWorld,
  LOCAL_DEFAULT_POLICY,
  prepareRun,
  type RunRequest,
  type RunResult,
  runScenario,
  scriptedHuman,
} from "../scenarios/index.ts";
import { readBudget, readPath, readUrl } from "./arguments.ts";
import { endedBy, EXIT, type ExitCode, UsageError } from "./exit.ts";
import { type Goal, readGoal } from "./goal.ts";
import { aborted } from "./interrupt.ts";
import type { RunFlags } from "./run-program.ts";
import type { Surroundings } from "./surroundings.ts";
import { progressLine } from "./progress.ts";
import { summarize } from "./summary.ts";
import { terminalHuman } from "./terminal-human.ts";
import { PLAIN } from "./terminal.ts";

export async function runCommand(
  text: string | undefined,
  flags: RunFlags,
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { terminal, json, signal, cwd } = surroundings;
  let ended: Ended;
  let request: RunRequest | undefined;
  try {
    request = await readRequest(text, flags, surroundings);
    ended = await runIn(request, surroundings);
  } catch (error) {
    if (!json) throw error;
    const { code, error: body } = endedBy(error);
    const about = {
      scenario: request?.scenario.name ?? "",
      model: request?.model.name ?? flags.model ?? "planner",
      budget: request?.budget ?? flags.budget ?? "",
    };
    terminal.out(JSON.stringify(emptyResult({ ...about, error: body }), undefined, 2));
    return code;
  }
  const { result, world } = ended;
  try {
    if (json) terminal.out(JSON.stringify(result, undefined, 2));
    else for (const line of summarize(result, { ...terminal, cwd })) terminal.out(line);
    const keep = flags.keep ?? (flags.once === undefined && terminal.interactive);
    if (keep && world && !signal.aborted) {
      terminal.note(`${result.url === null ? "The world" : "It"} is up until you press Ctrl-C.`);
      await aborted(signal);
    } else if (world && result.url !== null && !json) {
      terminal.note("It was up for the proof and is closed now; --keep keeps it up.");
    }
  } finally {
    await world?.close();
  }
  return result.passed ? EXIT.passed : EXIT.notPassed;
}

interface Ended {
  result: RunResult;
  /** Undefined where another program holds the world open. */
  world: { close(): Promise<void> } | undefined;
}

async function runIn(request: RunRequest, surroundings: Surroundings): Promise<Ended> {
  const { terminal, json, signal, startedAt, env } = surroundings;
  const onEvent = (line: TraceLine) => {
    const told = progressLine(line, startedAt, json ? PLAIN : terminal.paint);
    if (told !== undefined) terminal.note(told);
  };
  const shared = await findSharedWorld(request.record.worldDir);
  if (shared)
    return { result: await shared.run(request, { env, onEvent, signal }), world: undefined };
  const finished = await runScenario({ ...request, signal, startedAt, onEvent });
  return { result: finished.result, world: finished };
}

async function readRequest(
  text: string | undefined,
  flags: RunFlags,
  surroundings: Surroundings,
): Promise<RunRequest> {
  const { cwd, env } = surroundings;
  refuseTogether(flags, "keep", "once");
  refuseTogether(flags, "out", "resume");
  refuseTogether(flags, "world", "resume");
  const goal = text === undefined ? undefined : await readGoal(text, cwd);
  if (!goal && flags.resume === undefined) {
    throw new UsageError("USAGE", {
      problem: "There is no goal.",
      nextStep: 'Give a scenario file, or a sentence such as "Put a page for Ada on ada.dev".',
    });
  }
  return prepareRun({
    ...goalPart(goal),
    model: flags.model,
    env,
    budget: flags.budget === undefined ? undefined : readBudget(flags.budget),
    providers: flags.provider.map((url) => readUrl("--provider", url)),
    dir:
      flags.out === undefined
        ? ({ name }) => defaultDir(cwd, name, surroundings.startedAt)
        : readPath(flags.out, cwd),
    resume: flags.resume === undefined ? undefined : readPath(flags.resume, cwd),
    worldDir: flags.world === undefined ? undefined : readWorld(flags.world, cwd),
    ...chooseHuman(flags, surroundings),
  });
}

function goalPart(goal: Goal | undefined) {
  return goal ? { scenario: goal.scenario, file: goal.file } : {};
}

/** Who answers where the scenario does not say. */
function chooseHuman(
  { yes }: RunFlags,
  { terminal, json, signal }: Surroundings,
): { human: Human; assumed: boolean } {
  if (yes !== true && terminal.interactive && !json) {
    const streams = { input: process.stdin, output: process.stderr, signal };
    return { human: terminalHuman(terminal, streams), assumed: false };
  }
  return { human: scriptedHuman(LOCAL_DEFAULT_POLICY), assumed: true };
}

/** A world is made by `purser up`; a mistyped folder must not become a new one. */
function readWorld(text: string, cwd: string): string {
  const dir = readPath(text, cwd);
  if (existsSync(join(dir, "world.json"))) return dir;
  throw new UsageError("USAGE", {
    problem: `${dir} holds no world.`,
    nextStep: "Make one with `purser up --out <dir>`, or leave --world out for a new one.",
  });
}

/** Such as ".purser/runs/2026-11-21T00-30-00-landing-page", relative where that is shorter to read. */
function defaultDir(cwd: string, name: string, startedAt: number): string {
  const time = new Date(startedAt).toISOString().replace(/\..*$/, "").replaceAll(":", "-");
  return join(cwd, ".purser", "runs", `${time}-${name}-${process.pid}`);
}

function refuseTogether(flags: RunFlags, one: keyof RunFlags, other: keyof RunFlags): void {
  if (flags[one] === undefined || flags[other] === undefined) return;
  throw new UsageError("USAGE", {
    problem: `--${one} and --${other} exclude each other.`,
    nextStep: "Give one of them.",
  });
}
