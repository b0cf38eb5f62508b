/**
 * `purser variables`: the project's own variables, such as an app's URL or a key of the person's. The orchestrator's vault keeps the
 * values; which environments write them, and under which keys, is this folder's.
 */
import { plain } from "../terminal.ts";
import { askHidden } from "../ask-hidden.ts";
import { confirmOnce } from "./confirm.ts";
import type { Answer } from "./envelope.ts";
import { syncIfWanted } from "./env-sync.ts";
import { activeEnvironment, findEnvironment } from "./environments.ts";
import type { ProjectCommand, ProjectFlags } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { writeState } from "./project-folder.ts";
import { tableOf } from "./table-of.ts";
import {
  bindingsOf,
  bindVariable,
  readEnvKey,
  readVariableName,
  unbindVariable,
  unknownVariable,
} from "./variable-binding.ts";

export interface VariableFlags extends ProjectFlags {
  envKey?: string;
  value?: string;
}

/** Longer than anything that an environment holds. */
const MAX_VALUE = 16_384;

export async function setVariable(
  command: ProjectCommand<VariableFlags>,
  wanted: string,
): Promise<Answer> {
  const name = readVariableName(wanted);
  const key = readEnvKey(command.flags.envKey ?? "");
  const project = command.project();
  const client = command.client();
  const value = await readValue(command, name, key);
  await client.setVariable(project.id, name, value);
  const { state } = project;
  bindVariable(findEnvironment(state, activeEnvironment(state).name), key, name);
  writeState(project.root, state);
  const written = await syncIfWanted(command, client, project);
  const { name: environment, output } = activeEnvironment(state);
  return {
    data: { variable: { name, has_value: true, bindings: bindingsOf(state, name) }, environment },
    lines: [`Set ${name}, written as ${key} to ${output} (${environment}).`],
    warnings: written?.warnings ?? [],
    nextSteps: written ? [] : [`${command.tool} env --pull`],
  };
}

export async function listVariables(command: ProjectCommand): Promise<Answer> {
  const project = command.project();
  const known = await command.client().variables(project.id);
  const variables = known.map(({ name }) => {
    return { name, has_value: true, status: "complete", bindings: bindingsOf(project.state, name) };
  });
  const rows = variables.map(({ name, bindings }) => [
    name,
    bindings.map(({ env_key, environment }) => `${env_key} (${environment})`).join(", "),
  ]);
  const { terminal } = command.surroundings;
  return {
    data: { variables },
    lines: tableOf(terminal, ["variable", "written as"], rows, "The project has none of its own."),
  };
}

export async function deleteVariable(command: ProjectCommand, name: string): Promise<Answer> {
  const { tool } = command;
  const project = command.project();
  const client = command.client();
  const known = await client.variables(project.id);
  if (!known.some((one) => one.name === name)) throw unknownVariable(name, tool);
  await confirmOnce(
    command,
    `${tool} variables delete ${name}`,
    `Delete the variable ${name}? Its value is gone then.`,
  );
  await client.deleteVariable(project.id, name);
  for (const one of Object.values(project.state.shared.environments)) unbindVariable(one, name);
  writeState(project.root, project.state);
  const written = await syncIfWanted(command, client, project);
  return {
    data: { name, deleted: true },
    lines: [`Deleted ${name}.`],
    warnings: written?.warnings ?? [],
    nextSteps: written ? [] : [`${tool} env --pull`],
  };
}

/** From the flag, from stdin where that is `-`, or asked for without being shown. Throws `VALUE_REQUIRED` or `CONFIG_INVALID`. */
async function readValue(
  command: ProjectCommand<VariableFlags>,
  name: string,
  key: string,
): Promise<string> {
  const { value } = command.flags;
  const text =
    value === "-"
      ? await readInput(command.surroundings.stdin ?? process.stdin)
      : (value ?? (command.mayAsk ? await askHidden(`Value of ${name}: `) : undefined));
  if (text === undefined || text === "") {
    const step = `${command.tool} variables set ${name} --env-key ${key} --value -`;
    throw new ProjectError("VALUE_REQUIRED", {
      problem: `The variable ${name} needs a value, and nobody can be asked for it.`,
      nextStep: `Give it with --value <value>, or on stdin: \`${step}\`.`,
      nextSteps: [step],
    });
  }
  if (text.length <= MAX_VALUE) return text;
  throw new ProjectError("CONFIG_INVALID", {
    problem: `The value of ${plain(name, 60)} is longer than ${MAX_VALUE} characters.`,
    nextStep: "Keep something that long in a file.",
  });
}

/** Without the line end that a shell adds. */
async function readInput(stdin: AsyncIterable<Uint8Array | string>): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stdin) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    if (text.length > MAX_VALUE + 2) break;
  }
  return text.replace(/\r?\n$/, "");
}
