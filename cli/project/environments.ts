/**
 * The environments of a project's folder, such as development and production: each has an output file, and says which resources and
 * which of the project's own variables are written to it. What they are is shared in `state.json`; which one is active is this
 * checkout's. Environments only choose: nothing is provisioned, changed or removed by them.
 */
import { z } from "zod";
import { ProjectError } from "./project-error.ts";
import type { ProjectState } from "./project-state.ts";

/** There always is one of this name. */
export const DEFAULT_ENVIRONMENT = "default";

export const Environment = z.looseObject({
  /** The file that its variables are written to, relative to the project's folder. */
  output: z.string().min(1),
  /** By the names that they have in this folder. */
  resources: z.array(z.string()).default([]),
  /** The project's own variables: their names, by the key that each is written under. */
  variables: z.record(z.string(), z.string()).default({}),
});
export type Environment = z.output<typeof Environment>;

export interface NamedEnvironment extends Environment {
  name: string;
}

/** What has no `default` yet gets one, which holds the resources that are in no other environment. */
export function withDefault(state: ProjectState): ProjectState {
  const { environments, resources } = state.shared;
  if (environments[DEFAULT_ENVIRONMENT]) return state;
  const elsewhere = new Set(Object.values(environments).flatMap((one) => one.resources));
  environments[DEFAULT_ENVIRONMENT] = {
    output: ".env",
    resources: Object.keys(resources).filter((name) => !elsewhere.has(name)),
    variables: {},
  };
  return state;
}

/** The one that this checkout works in; one that is no more gives way to the default. */
export function activeEnvironment({ shared, local }: ProjectState): NamedEnvironment {
  const name =
    shared.environments[local.activeEnvironment] === undefined
      ? DEFAULT_ENVIRONMENT
      : local.activeEnvironment;
  return { ...findEnvironment({ shared, local }, name), name };
}

/** Throws `ENVIRONMENT_NOT_FOUND`. */
export function findEnvironment({ shared }: ProjectState, name: string): Environment {
  const found = shared.environments[name];
  if (found) return found;
  throw new ProjectError("ENVIRONMENT_NOT_FOUND", {
    problem: `The project has no environment "${name.slice(0, 50)}".`,
    nextStep: `It has ${Object.keys(shared.environments).join(", ")}.`,
  });
}

/**
 * Brings memberships in step with the resources that there are: one that the project did not have before is in the active environment,
 * and one that is no more is in none. It is called before `shared.resources` is.
 */
export function admitResources(state: ProjectState, names: readonly string[]): void {
  const { shared } = state;
  const known = new Set(Object.keys(shared.resources));
  const fresh = names.filter((name) => !known.has(name));
  for (const environment of Object.values(shared.environments)) {
    environment.resources = environment.resources.filter((name) => names.includes(name));
  }
  for (const name of fresh) admitResource(state, name);
}

/** Puts a resource into the active environment. */
export function admitResource(state: ProjectState, name: string): void {
  const { resources } = findEnvironment(state, activeEnvironment(state).name);
  if (!resources.includes(name)) resources.push(name);
}

/** The environments that a resource is in. */
export function environmentsOf({ shared }: ProjectState, resource: string): string[] {
  return Object.entries(shared.environments)
    .filter(([, { resources }]) => resources.includes(resource))
    .map(([name]) => name);
}
