/**
 * Which Workers must share a run of workerd: those that are bound to the same KV namespace, because two runs that write to one
 * namespace's file would refuse each other. All others run apart, so that they cannot harm each other.
 */
export interface BoundWorker {
  readonly name: string;
  /** Ids of the KV namespaces that it is bound to. */
  readonly namespaces: readonly string[];
}

export interface CellPlan {
  readonly workers: ReadonlySet<string>;
  readonly namespaces: ReadonlySet<string>;
}

/** True when something of the one runs in the other too. */
export function overlap(one: CellPlan, other: CellPlan): boolean {
  return (
    [...one.workers].some((name) => other.workers.has(name)) ||
    [...one.namespaces].some((id) => other.namespaces.has(id))
  );
}

/** Everything that is connected with this Worker or this namespace through shared namespaces, itself included. */
export function planCell(
  start: { worker: string } | { namespace: string },
  all: readonly BoundWorker[],
): CellPlan {
  const workers = new Set<string>();
  const namespaces = new Set<string>();
  const addWorker = ({ name, namespaces: bound }: BoundWorker) => {
    if (workers.has(name)) return;
    workers.add(name);
    for (const id of bound) addNamespace(id);
  };
  const addNamespace = (id: string) => {
    if (namespaces.has(id)) return;
    namespaces.add(id);
    for (const worker of all) if (worker.namespaces.includes(id)) addWorker(worker);
  };
  if ("namespace" in start) addNamespace(start.namespace);
  else for (const worker of all) if (worker.name === start.worker) addWorker(worker);
  return { workers, namespaces };
}
