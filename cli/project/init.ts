/** `purser init`: makes a project with the orchestrator and its files in this folder; again, it goes on or says what is there. */
import { randomUUID } from "node:crypto";
import { basename } from "node:path";
import type { ProjectSummary, OrchestratorClient } from "../../protocol/index.ts";
import { plain } from "../terminal.ts";
import { add } from "./add.ts";
import type { Answer } from "./envelope.ts";
import { type Check, preflightAnswer, projectChecks } from "./preflight.ts";
import type { ProjectCommand, ProjectFlags } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { ignoreFiles, readState, writeState } from "./project-folder.ts";
import type { ProjectState } from "./project-state.ts";
import { findStack, readStack, type StackService } from "./shared-stack.ts";
import { writeShim } from "./shim-file.ts";
import { writeSkills } from "./skill-files.ts";

export interface InitFlags extends ProjectFlags {
  preflight?: true;
  project?: string;
  skipSkills?: true;
  skipInstall?: true;
  mode?: string;
  template?: string;
  from?: string;
  stripeShim?: true;
  envSync?: true;
}

export async function init(
  command: ProjectCommand<InitFlags>,
  name: string | undefined,
  { id = command.flags.project }: { id?: string | undefined } = {},
): Promise<Answer> {
  const { flags, tool } = command;
  const root = command.root ?? command.surroundings.cwd;
  if (flags.template !== undefined || !["manual", undefined].includes(flags.mode))
    throw noTemplate();
  const stack = flags.from === undefined ? undefined : readStack(flags.from);
  if (flags.preflight) return preflightAnswer(await initChecks(command), command);
  const client = command.client();
  const state = readState(root);
  const already = state.local.project !== undefined;
  const project = await findOrMake(command, client, { root, state, name, id });
  state.shared.project = { name: project.name };
  const since = state.local.project?.initializedAt ?? new Date().toISOString();
  state.local.project = { id: project.id, name: project.name, initializedAt: since };
  if (flags.envSync || (!already && tool !== "purser")) state.shared.env.sync = true;
  writeState(root, state);
  ignoreFiles(root, outputs(state), state.local.orchestrator?.world);
  const skills = flags.skipSkills ? [] : writeSkills(root, { tool, project: project.name });
  const shim = flags.stripeShim ? writeShim(root) : undefined;
  await command.read(client, command.project());
  const added = stack === undefined ? [] : await addStack(command, client, stack);
  const { bold } = command.surroundings.terminal.paint;
  const lines = [
    `${already ? "Already initialized:" : "Initialized"} ${bold(project.name)} (${project.id})`,
    `  orchestrator  ${command.found?.url}`,
    `  state         .projects/state.json (commit it), .projects/state.local.json (ids of this checkout)`,
    ...(skills.length > 0 ? [`  for agents    ${skills.join(", ")}`] : []),
    ...(added.length === 0 ? [] : [`  added         ${added.join(", ")}`]),
    ...(shim === undefined ? [] : [`  stripe shim   export PATH="${shim}:$PATH"`]),
  ];
  return {
    data: {
      project: { ...project, initialized_at: since },
      already_initialized: already,
      orchestrator: command.found?.url,
      skills,
      ...(stack === undefined ? {} : { added }),
      ...(shim === undefined ? {} : { stripe_shim: shim }),
    },
    lines,
    warnings:
      already && name !== undefined && name !== project.name
        ? [otherName(root, project.name, name)]
        : [],
    nextSteps: [`${tool} catalog`, `${tool} add <provider>/<service>`],
  };
}

/** One after the other; the first that is refused ends it, and the same command goes on there. */
async function addStack(
  command: ProjectCommand<InitFlags>,
  client: OrchestratorClient,
  stack: readonly StackService[],
): Promise<string[]> {
  const { data } = await client.services();
  const references = findStack(stack, data.services);
  for (const reference of references) await add(command, reference);
  return references;
}

interface Wanted {
  root: string;
  state: ProjectState;
  name: string | undefined;
  /** Of a project that exists. */
  id: string | undefined;
}

/** The project of this folder, the one that is named by id, or a new one, made once whatever is lost on the way. */
async function findOrMake(
  command: ProjectCommand<InitFlags>,
  client: OrchestratorClient,
  { root, state, name, id }: Wanted,
): Promise<Pick<ProjectSummary, "id" | "name">> {
  const { url, knownWorld } = command.address();
  const before = state.local;
  if (before.orchestrator && before.orchestrator.url !== url && before.project) {
    throw new ProjectError("NOT_SUPPORTED", {
      problem: `This folder's project is with the orchestrator at ${before.orchestrator.url}, and a project does not move.`,
      nextStep: "Use another folder, or remove .projects/state.local.json to begin anew here.",
    });
  }
  before.orchestrator = { url, ...(knownWorld === undefined ? {} : { world: knownWorld }) };
  if (before.project && id !== undefined && before.project.id !== id) throw another(before.project);
  const wanted = id ?? before.project?.id;
  if (wanted !== undefined) return client.status(wanted);
  before.initKey ??= `init-${randomUUID()}`;
  // Before it is asked for: a second try with the same key finds what the first one made.
  writeState(root, state);
  return client.createProject({ name: name ?? nameOf(root), idempotency_key: before.initKey });
}

function outputs({ shared }: ProjectState): string[] {
  return Object.values(shared.environments).map(({ output }) => output);
}

async function initChecks(command: ProjectCommand<InitFlags>): Promise<Check[]> {
  return (await projectChecks(command)).filter(({ code }) => code !== "PROJECT_NOT_INITIALIZED");
}

function noTemplate(): ProjectError {
  return new ProjectError("NOT_SUPPORTED", {
    problem: "There are no starter apps here, so nothing can be made from a template.",
    nextStep: "Leave --template out, and say --mode manual or nothing.",
  });
}

function another({ name, id }: Pick<ProjectSummary, "id" | "name">): ProjectError {
  return new ProjectError("DIRECTORY_SELECTION_REQUIRED", {
    problem: `This folder belongs to the project ${name} (${id}).`,
    nextStep: "Use a folder of its own for another project.",
  });
}

function nameOf(root: string): string {
  const name = basename(root)
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .slice(0, 100);
  return name === "" ? "project" : name;
}

function otherName(root: string, has: string, wanted: string): string {
  return `No project "${plain(wanted, 60)}" was made: the folder ${root} has the project "${has}", and so has every folder in it. Use a folder outside of it for another.`;
}
