/**
 * Brings the output file (`.env`) in step with the project's resources. Only variables that this has written before, or that are not
 * there yet, are touched: what the person wrote stays, under the name and with the value that it has, and is reported.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import type { EnvView, SessionClient } from "../../protocol/index.ts";
import { DotenvFile } from "./dotenv-file.ts";
import type { OpenProject } from "./project-command.ts";
import { writeState, writeWhole } from "./project-folder.ts";

type Variable = EnvView["variables"][number];

export interface EnvSync {
  file: string;
  written: string[];
  removed: string[];
  warnings: string[];
}

/** The project's variables; where two resources have one of the same name, the first that came keeps it. */
export async function readVariables(
  client: SessionClient,
  project: string,
): Promise<{ variables: Variable[]; warnings: string[] }> {
  const { variables: all } = await client.env(project);
  const variables: Variable[] = [];
  const warnings: string[] = [];
  for (const variable of all) {
    const first = variables.find(({ name }) => name === variable.name);
    // Such as an account's id, which every resource of the account comes with.
    if (first && !first.secret && first.value === variable.value) continue;
    if (first) {
      warnings.push(
        `${variable.name} of ${variable.service} (${variable.resource}) is left out: another resource has a variable of that name. Add one of them under a --name of its own.`,
      );
    } else variables.push(variable);
  }
  return { variables, warnings };
}

/** The values themselves, read from the vault, each read on its list. */
export async function revealVariables(
  client: SessionClient,
  project: string,
  variables: readonly Variable[],
): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (const id of new Set(variables.map(({ resource }) => resource))) {
    const own = variables.filter(({ resource }) => resource === id);
    const secrets = own.some(({ secret }) => secret)
      ? (await client.access(project, id)).values
      : {};
    for (const { name, key, secret, value } of own) {
      const revealed = secret ? secrets[key] : value;
      if (revealed !== undefined) values.set(name, revealed);
    }
  }
  return values;
}

export async function syncEnv(client: SessionClient, project: OpenProject): Promise<EnvSync> {
  const { root, state, id } = project;
  const { variables, warnings } = await readVariables(client, id);
  const values = await revealVariables(client, id, variables);
  const file = state.shared.env.output;
  const path = join(root, file);
  const before = existsSync(path) ? readFileSync(path, "utf8") : "";
  const dotenv = new DotenvFile(before);
  const ours = new Set(state.local.env.written);
  const theirs = parseEnv(before);
  const written: string[] = [];
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
  state.local.env.written = [...new Set([...ours, ...written])];
  writeState(root, state);
  if (dotenv.toString() !== before) writeWhole(path, dotenv.toString(), 0o600);
  state.local.env.written = written;
  writeState(root, state);
  return { file, written, removed, warnings };
}
