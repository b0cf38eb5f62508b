/**
 * What a project's folder remembers, in the shapes that are published for `.projects/`. `state.json` is for the repository: names,
 * and no id or secret. `state.local.json` is this checkout's: which orchestrator, which project, and the immutable ids behind the
 * names. The orchestrator knows the truth; these files only keep what a name means, so that a name never comes to mean another thing.
 */
import { z } from "zod";
import {
  type ProjectStatus,
  type Resource,
  isGone,
  providerOf,
  serviceIdOf,
} from "../../protocol/index.ts";
import { admitResources, DEFAULT_ENVIRONMENT, Environment } from "./environments.ts";

export const SharedState = z.looseObject({
  version: z.literal(1),
  project: z.looseObject({ name: z.string() }).optional(),
  /** Whether `add`, `rotate` and the like write the active environment's output file by themselves. */
  env: z.looseObject({ sync: z.boolean().default(false) }).default({ sync: false }),
  environments: z.record(z.string(), Environment).default({}),
  providers: z.record(z.string(), z.looseObject({ name: z.string() })).default({}),
  resources: z
    .record(
      z.string(),
      z.looseObject({ name: z.string(), providerName: z.string(), serviceId: z.string() }),
    )
    .default({}),
});
export type SharedState = z.output<typeof SharedState>;

export const LocalState = z.looseObject({
  version: z.literal(1),
  orchestrator: z.looseObject({ url: z.string(), world: z.string().optional() }).optional(),
  /** Of the project's making, so that a lost answer never makes a second one. */
  initKey: z.string().optional(),
  project: z
    .looseObject({ id: z.string(), name: z.string(), initializedAt: z.string() })
    .optional(),
  providers: z
    .record(z.string(), z.looseObject({ accountId: z.string(), status: z.string() }))
    .default({}),
  resources: z
    .record(
      z.string(),
      z.looseObject({
        resourceId: z.string(),
        lastStatus: z.string(),
        configuration: z.record(z.string(), z.string()).default({}),
      }),
    )
    .default({}),
  /** The keys of changes whose end is not known yet. */
  pending: z.record(z.string(), z.string()).default({}),
  /** The environment that this checkout works in. */
  activeEnvironment: z.string().default(DEFAULT_ENVIRONMENT),
  /** The variables that are ours to change, by output file. */
  env: z
    .looseObject({ written: z.record(z.string(), z.array(z.string())).default({}) })
    .default({ written: {} }),
});
export type LocalState = z.output<typeof LocalState>;

export interface ProjectState {
  shared: SharedState;
  local: LocalState;
}

/** A resource under the name that it has in this folder. */
export interface NamedResource {
  name: string;
  resource: Resource;
}

/** Gives every resource its name, keeping those given before, and brings both files up to date. */
export function nameResources(state: ProjectState, status: ProjectStatus): NamedResource[] {
  const { shared, local } = state;
  const live = status.resources.filter((resource) => !isGone(resource));
  const before = new Map(
    Object.entries(local.resources).map(([name, { resourceId }]) => [resourceId, name] as const),
  );
  const taken = new Set(live.flatMap(({ id }) => before.get(id) ?? []));
  const named = live.map((resource) => {
    const name = before.get(resource.id) ?? freeName(resource, taken);
    taken.add(name);
    return { name, resource };
  });
  admitResources(
    state,
    named.map(({ name }) => name),
  );
  shared.resources = Object.fromEntries(
    named.map(({ name, resource: { service } }) => [
      name,
      { name, providerName: providerOf(service), serviceId: serviceIdOf(service) },
    ]),
  );
  local.resources = Object.fromEntries(
    named.map(({ name, resource: { id, status, configuration } }) => [
      name,
      { resourceId: id, lastStatus: status, configuration },
    ]),
  );
  shared.providers = Object.fromEntries(
    status.connections.map(({ provider }) => [provider, { name: provider }]),
  );
  local.providers = Object.fromEntries(
    status.connections.map(({ provider, account_id }) => [
      provider,
      { accountId: account_id, status: "complete" },
    ]),
  );
  return named;
}

/** What its owner calls it, or such as "cloudflare-kv"; with a part of its id where that is another's already. */
function freeName({ id, name, service }: Resource, taken: ReadonlySet<string>): string {
  const wanted = name ?? service.replaceAll(/[^A-Za-z0-9]+/g, "-").toLowerCase();
  return taken.has(wanted) ? `${wanted}-${id.slice(-6)}` : wanted;
}
