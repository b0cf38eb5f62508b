/**
 * Brings the active environment's output file (`.env`) and the vault in step with what the orchestrator has. In the output file only
 * variables that this has written before, or that are not there yet, are touched: what the person wrote stays, under the name and with
 * the value that it has, and is reported.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import type { OrchestratorClient } from "../../protocol/index.ts";
import { DotenvFile } from "./dotenv-file.ts";
import { readVariables, revealVariables } from "./environment-variables.ts";
import { activeEnvironment } from "./environments.ts";
import type { OpenProject, ProjectCommand } from "./project-command.ts";
import { writeState, writeWhole } from "./project-folder.ts";
import { keepInVault } from "./vault-file.ts";

export interface EnvSync {
  file: string;
  written: string[];
  removed: string[];
  warnings: string[];
}

/** Reads the values, each on the orchestrator's list, and keeps them, sealed, in the vault. */
export async function refreshVault(
  { surroundings }: ProjectCommand,
  client: OrchestratorClient,
  project: OpenProject,
): Promise<{ values: Map<string, string>; warnings: string[] }> {
  const { variables, warnings } = await readVariables(client, project);
  const values = await revealVariables(client, project.id, variables);
  await keepInVault(project, values, surroundings.env);
  return { values, warnings };
}

export async function syncEnv(
  command: ProjectCommand,
  client: OrchestratorClient,
  project: OpenProject,
): Promise<EnvSync> {
  const { values, warnings } = await refreshVault(command, client, project);
  const synced = writeOutput(project, values);
  return { ...synced, warnings: [...warnings, ...synced.warnings] };
}

/** Where the project's output file is kept in step by itself. */
export async function syncIfWanted(
  command: ProjectCommand,
  client: OrchestratorClient,
  project: OpenProject,
): Promise<EnvSync | undefined> {
  return project.state.shared.env.sync ? syncEnv(command, client, project) : undefined;
}

export function writeOutput(
  { root, state }: OpenProject,
  values: ReadonlyMap<string, string>,
): EnvSync {
  const file = activeEnvironment(state).output;
  const path = join(root, file);
  const before = existsSync(path) ? readFileSync(path, "utf8") : "";
  const dotenv = new DotenvFile(before);
  const ours = new Set(state.local.env.written[file]);
  const theirs = parseEnv(before);
  const written: string[] = [];
  const warnings: string[] = [];
  for (const [name, value] of values) {
    if (dotenv.has(name) && !ours.has(name)) {
      if (theirs[name] === value) continue;
      warnings.push(`${name} stands in ${file} already and is not ours; it was left as it is.`);
      continue;
    }
    dotenv.set(name, value);
    written.push(name);
  }
  const removed = [...ours].filter((name) => !values.has(name) && dotenv.has(name));
  for (const name of removed) dotenv.remove(name);
  // Whatever a crash leaves behind in the file is known to be ours.
  state.local.env.written[file] = [...new Set([...ours, ...written])];
  writeState(root, state);
  if (dotenv.toString() !== before) writeWhole(path, dotenv.toString(), 0o600);
  state.local.env.written[file] = written;
  writeState(root, state);
  return { file, written, removed, warnings };
}
