/** `purser env list`, `show`, `create`, `use`, `update` and `delete`: the environments of this folder. No provider hears of any of it. */
import { plain } from "../terminal.ts";
import { confirmOnce } from "./confirm.ts";
import type { Answer } from "./envelope.ts";
import {
  activeEnvironment,
  DEFAULT_ENVIRONMENT,
  type Environment,
  findEnvironment,
} from "./environments.ts";
import { readOutput } from "./output-file.ts";
import type { OpenProject, ProjectCommand, ProjectFlags } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { ignoreFiles, writeState } from "./project-folder.ts";

export interface EnvironmentFlags extends ProjectFlags {
  name?: string;
  output?: string;
}

export function listEnvironments(command: ProjectCommand): Answer {
  const { state } = command.project();
  const active = activeEnvironment(state).name;
  const environments = Object.entries(state.shared.environments).map(([name, one]) =>
    tell(name, one, active),
  );
  return { data: { environments }, lines: environments.map(line) };
}

export function showEnvironment(command: ProjectCommand): Answer {
  const { state } = command.project();
  const { name } = activeEnvironment(state);
  const told = tell(name, findEnvironment(state, name), name);
  return { data: told, lines: [line(told)] };
}

/** Makes it, empty, and makes it active; again, with the same file, it only makes it active. */
export function createEnvironment(
  command: ProjectCommand<EnvironmentFlags>,
  wanted: string,
): Answer {
  const project = command.project();
  const { environments } = project.state.shared;
  const name = readName(wanted);
  if (command.flags.output === undefined) throw outputMissing(`${command.tool} env create ${name}`);
  const output = readOutput(command.flags.output, project.state, name);
  const before = environments[name];
  if (before && before.output !== output) throw exists(name, before.output, command.tool);
  environments[name] = before ?? { output, resources: [], variables: {} };
  project.state.local.activeEnvironment = name;
  return changed(command, project, before ? "There is already, now active:" : "Created, active:");
}

export function useEnvironment(command: ProjectCommand, name: string): Answer {
  const project = command.project();
  findEnvironment(project.state, name);
  project.state.local.activeEnvironment = name;
  return changed(command, project, "Active:");
}

export function updateEnvironment(command: ProjectCommand<EnvironmentFlags>): Answer {
  const project = command.project();
  const { shared, local } = project.state;
  const { name: before } = activeEnvironment(project.state);
  const name = command.flags.name === undefined ? before : readName(command.flags.name);
  const environment = findEnvironment(project.state, before);
  const old = environment.output;
  if (command.flags.output !== undefined) {
    environment.output = readOutput(command.flags.output, project.state, before);
  }
  if (name !== before) {
    if (before === DEFAULT_ENVIRONMENT) throw keepsDefault("renamed");
    const taken = shared.environments[name];
    if (taken) throw exists(name, taken.output, command.tool);
    // In its old place, so that a rename is one line in the repository.
    shared.environments = Object.fromEntries(
      Object.entries(shared.environments).map(([one, what]) => [one === before ? name : one, what]),
    );
    local.activeEnvironment = name;
  }
  const answer = changed(command, project, "Active:");
  const stays = environment.output !== old && (local.env.written[old] ?? []).length > 0;
  return {
    ...answer,
    warnings: stays ? [`What was written to ${old} stays there; remove that file yourself.`] : [],
  };
}

/** The resources and the variables themselves stay; only what was chosen for this environment is forgotten. */
export async function deleteEnvironment(command: ProjectCommand, name: string): Promise<Answer> {
  const project = command.project();
  const { shared } = project.state;
  if (name === DEFAULT_ENVIRONMENT) throw keepsDefault("deleted");
  const { output } = findEnvironment(project.state, name);
  await confirmOnce(
    command,
    `${command.tool} env delete ${name}`,
    `Delete the environment ${name}? Its resources stay; which of them it had is forgotten.`,
  );
  const { [name]: _deleted, ...rest } = shared.environments;
  shared.environments = rest;
  const answer = changed(command, project, `Deleted ${name}. Active:`);
  return { ...answer, warnings: [`What was written to ${output} stays there.`] };
}

function changed({ tool }: ProjectCommand, { root, state }: OpenProject, did: string): Answer {
  const { name, ...environment } = activeEnvironment(state);
  state.local.activeEnvironment = name;
  writeState(root, state);
  ignoreFiles(root, [environment.output]);
  const told = tell(name, environment, name);
  return {
    data: told,
    lines: [`${did} ${name}  ${environment.output}`],
    nextSteps: [`${tool} env --pull`],
  };
}

function tell(name: string, { output, resources, variables }: Environment, active: string) {
  return { name, active: name === active, output, resources, variables };
}

function line({ name, active, output, resources, variables }: ReturnType<typeof tell>): string {
  const members = [...resources, ...Object.keys(variables)].map((member) => plain(member, 100));
  return `${active ? "*" : " "} ${name}  ${output}  ${members.join(", ")}`.trimEnd();
}

function readName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$/.test(text)) return text;
  throw new ProjectError("CONFIG_INVALID", {
    problem: `"${plain(text, 60)}" is no name for an environment.`,
    nextStep: "Use letters, digits, - and _, such as staging.",
  });
}

function outputMissing(line: string): ProjectError {
  const step = `${line} --output .env.${line.split(" ").at(-1)}`;
  return new ProjectError("CONFIG_INVALID", {
    problem: "An environment needs a file of its own that its variables are written to.",
    nextStep: `Name it: \`${step}\`.`,
    nextSteps: [step],
  });
}

function exists(name: string, output: string, tool: string): ProjectError {
  return new ProjectError("ENVIRONMENT_EXISTS", {
    problem: `There is an environment ${name} already, with the output file ${output}.`,
    nextStep: `Use it with \`${tool} env use ${name}\`, or take another name.`,
    nextSteps: [`${tool} env use ${name}`],
  });
}

function keepsDefault(done: string): ProjectError {
  return new ProjectError("NOT_SUPPORTED", {
    problem: `The environment ${DEFAULT_ENVIRONMENT} cannot be ${done}: a project always has it.`,
    nextStep: "Leave it empty if it is not needed, and use another one.",
  });
}
