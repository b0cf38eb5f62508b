/** Sets the cap of a project at a provider, and has the provider told at once, where it can be. */
import { PurserError } from "../protocol/index.ts";
import type { Connections } from "./connections.ts";
import type { MergedCatalog } from "./merged-catalog.ts";
import type { ResourceStore } from "./resource-store.ts";
import type { Cap, Projects } from "./projects.ts";

interface CapOf {
  project: string;
  provider: string;
  /** Atomic units per UTC month. */
  amount: bigint;
}

export type SetCap = (cap: CapOf) => Promise<Cap>;

export function capSetter({
  projects,
  connections,
  catalog,
  store,
}: {
  projects: Projects;
  connections: Connections;
  catalog: MergedCatalog;
  store: Pick<ResourceStore, "hurryRenewals">;
}): SetCap {
  return async (cap) => {
    const set = projects.setCap(cap);
    const { project, provider } = cap;
    // What the old cap stood in the way of need not wait.
    store.hurryRenewals(project, provider);
    if (!connections.find(project, provider)) return set;
    try {
      const found = await catalog.provider(provider);
      await connections.tellMandate(project, found.provider);
    } catch (error) {
      // One that cannot be told now is told at the next call; until then this orchestrator's own check holds.
      if (!(error instanceof PurserError)) throw error;
    }
    return set;
  };
}
