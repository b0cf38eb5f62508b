/**
 * The variables of the active environment: those of its resources, and the project's own that are bound in it, without their values; and
 * the values, each read on the orchestrator's list.
 */
import type { EnvView, OrchestratorClient } from "../../protocol/index.ts";
import { activeEnvironment } from "./environments.ts";
import type { OpenProject } from "./project-command.ts";

type ResourceVariable = EnvView["variables"][number];

/** A variable of the project's own, bound to a key. */
export interface BoundVariable {
  /** The key that it is written under. */
  name: string;
  variable: string;
}

export type EnvironmentVariable = ResourceVariable | BoundVariable;

export interface EnvironmentVariables {
  variables: EnvironmentVariable[];
  /** What is left out because of its name. */
  warnings: string[];
}

export function isBound(one: EnvironmentVariable): one is BoundVariable {
  return "variable" in one;
}

/** Where two have one name, the person's own binding keeps it, and else the first that came. */
export async function readVariables(
  client: OrchestratorClient,
  { id, state }: OpenProject,
): Promise<EnvironmentVariables> {
  const environment = activeEnvironment(state);
  const bound = Object.entries(environment.variables);
  const members = new Set(
    environment.resources.flatMap((name) => state.local.resources[name]?.resourceId ?? []),
  );
  const [{ variables: ofResources }, own] = await Promise.all([
    client.env(id),
    bound.length === 0 ? [] : client.variables(id),
  ]);
  const known = new Set(own.map(({ name }) => name));
  const variables: EnvironmentVariable[] = bound
    .filter(([, variable]) => known.has(variable))
    .map(([name, variable]) => ({ name, variable }));
  const warnings = bound
    .filter(([, variable]) => !known.has(variable))
    .map(
      ([name, variable]) =>
        `${name} is left out: the project has no variable "${variable}" any more.`,
    );
  for (const one of ofResources.filter(({ resource }) => members.has(resource))) {
    const first = variables.find(({ name }) => name === one.name);
    // Such as an account's id, which every resource of the account comes with.
    if (first && !isBound(first) && !first.secret && first.value === one.value) continue;
    if (first) {
      const rest = isBound(first)
        ? `the project's own variable ${first.variable} is bound to that name`
        : "another resource has a variable of that name. Add one of them under a --name of its own";
      warnings.push(`${one.name} of ${one.service} (${one.resource}) is left out: ${rest}.`);
    } else variables.push(one);
  }
  return { variables, warnings };
}

export async function revealVariables(
  client: OrchestratorClient,
  project: string,
  variables: readonly EnvironmentVariable[],
): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (const { name, variable } of variables.filter(isBound)) {
    values.set(name, await client.variable(project, variable));
  }
  const ofResources = variables.filter((one): one is ResourceVariable => !isBound(one));
  for (const id of new Set(ofResources.map(({ resource }) => resource))) {
    const own = ofResources.filter(({ resource }) => resource === id);
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
