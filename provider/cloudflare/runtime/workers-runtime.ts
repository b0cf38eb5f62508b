/**
 * Runs the Workers of a provider, each with those that it shares data with in a workerd of its own (a cell), started when it is
 * first needed. A deploy starts a new cell, and only when that is up do requests go there: a broken upload disturbs nobody, and
 * a redeploy has no gap. The cells that were not used for longest are stopped; their next visitor starts them again.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Cell, Cells } from "./cell.ts";
import { type BoundWorker, type CellPlan, overlap, planCell } from "./cell-plan.ts";
import { type Instance, type Lease, startInstance } from "./instance.ts";
import { workerdPath } from "./load-miniflare.ts";
import { RuntimeError } from "./runtime-error.ts";
import { openWatchdog, type Watchdog } from "./watchdog.ts";
import type { NamedWorker, WorkerCode } from "./worker-code.ts";

export interface WorkersRuntimeOptions {
  dir: string;
  deployed: DeployedWorkers;
  /** How many cells may be up at once; one takes some 30 MB. */
  maxCells?: number;
  /** Replaced in tests. */
  start?: typeof startInstance;
}

/** What is deployed, as it is recorded. */
export interface DeployedWorkers {
  list(): readonly BoundWorker[];
  code(name: string): WorkerCode | undefined;
}

/** A place to send a request to; dispose of it when the request has ended. */
export interface CellLease extends Lease {
  /** Stops the cell at once: something in it keeps it from answering. */
  giveUp(): Promise<void>;
}

/** How long a request may keep an old cell alive. */
const DRAIN_TIMEOUT_MS = 2_000;

export class WorkersRuntime {
  readonly #dir: string;
  readonly #deployed: DeployedWorkers;
  readonly #maxCells: number;
  readonly #start: typeof startInstance;
  readonly #cells = new Cells();
  readonly #retiring = new Map<Cell, Promise<void>>();
  #watchdog: Watchdog | undefined;
  /** Deploys happen one after another. */
  #deploys: Promise<unknown> = Promise.resolve();

  constructor({ dir, deployed, maxCells = 8, start = startInstance }: WorkersRuntimeOptions) {
    this.#dir = dir;
    this.#deployed = deployed;
    this.#maxCells = maxCells;
    this.#start = start;
  }

  /** Loads miniflare and workerd before anyone needs them. */
  async prewarm(): Promise<void> {
    const instance = await this.#startWith([], []);
    await instance.dispose();
  }

  /** Where a Worker runs, or a namespace's data can be reached. */
  async lease(part: { worker: string } | { namespace: string }): Promise<CellLease> {
    for (;;) {
      const cell = this.#cells.find(part) ?? this.#open(this.#planOf(part));
      const instance = await cell.instance;
      // It may have been replaced while we waited.
      if (this.#cells.find(part) !== cell) continue;
      this.#cells.touch(cell);
      const giveUp = () => this.#retire(cell, 0);
      return { ...instance.lease(), giveUp };
    }
  }

  /**
   * Runs the Worker from now on, or throws `WORKER_INVALID` and changes nothing. `commit` records it, once it is known to start
   * and before it serves.
   */
  async deploy(worker: NamedWorker, commit: () => void): Promise<void> {
    const deploy = this.#deploys.then(async () => {
      const { name, code } = worker;
      const others = this.#deployed.list().filter((other) => other.name !== name);
      const plan = planCell({ worker: name }, [...others, { name, namespaces: boundTo(code) }]);
      const next = await this.#startWith(this.#workersOf(plan, worker), [...plan.namespaces]);
      try {
        commit();
      } catch (error) {
        await next.dispose();
        throw error;
      }
      await this.#switch(plan, next);
    });
    this.#deploys = deploy.catch(() => {});
    return deploy;
  }

  /** Stops the Worker; `commit` takes it from the record. */
  async remove(name: string, commit: () => void): Promise<void> {
    const removal = this.#deploys.then(async () => {
      commit();
      const cell = this.#cells.find({ worker: name });
      if (cell) await this.#retire(cell, DRAIN_TIMEOUT_MS);
    });
    this.#deploys = removal.catch(() => {});
    return removal;
  }

  async close(): Promise<void> {
    await this.#deploys;
    for (const cell of this.#cells.all()) void this.#retire(cell, 0);
    await Promise.all(this.#retiring.values());
    await this.#watchdog?.close();
  }

  #planOf(part: { worker: string } | { namespace: string }): CellPlan {
    const plan = planCell(part, this.#deployed.list());
    if (!("worker" in part) || plan.workers.has(part.worker)) return plan;
    throw new RuntimeError("RUNTIME_FAILED", {
      problem: "The Worker is not deployed any more.",
      nextStep: "Deploy it again.",
    });
  }

  #open(plan: CellPlan): Cell {
    return this.#replace(plan, () => this.#startWith(this.#workersOf(plan), [...plan.namespaces]));
  }

  async #switch(plan: CellPlan, next: Instance): Promise<void> {
    await this.#replace(plan, async () => next).instance;
  }

  /** Puts a cell in the place of all that share something with it; it is ready when those have ended. */
  #replace(plan: CellPlan, start: () => Promise<Instance>): Cell {
    for (const cell of this.#cells.all()) {
      if (overlap(cell.plan, plan)) void this.#retire(cell, DRAIN_TIMEOUT_MS);
    }
    const before = [...this.#retiring].filter(([cell]) => overlap(cell.plan, plan));
    const instance = Promise.all(before.map(([, retired]) => retired)).then(start);
    const cell: Cell = { plan, instance, usedAt: 0 };
    this.#cells.add(cell);
    instance.then(
      (running) => {
        cell.running = running;
        this.#stopUnused();
      },
      // The next request tries again.
      () => this.#cells.remove(cell),
    );
    return cell;
  }

  /** Sends no more requests there, lets those under way end, and stops it. */
  #retire(cell: Cell, drainMs: number): Promise<void> {
    this.#cells.remove(cell);
    const known = this.#retiring.get(cell);
    if (known) return known;
    const retired = cell.instance
      .then(
        async (running) => {
          await running.drain(drainMs);
          await running.dispose();
        },
        // It never came up.
        () => {},
      )
      .finally(() => this.#retiring.delete(cell));
    this.#retiring.set(cell, retired);
    return retired;
  }

  #stopUnused(): void {
    const cells = [...this.#cells.all()].toSorted((a, b) => a.usedAt - b.usedAt);
    const idle = cells.filter(({ running }) => running?.isIdle() === true);
    for (const cell of idle.slice(0, Math.max(0, cells.length - this.#maxCells))) {
      void this.#retire(cell, DRAIN_TIMEOUT_MS);
    }
  }

  #workersOf({ workers }: CellPlan, changed?: NamedWorker): NamedWorker[] {
    return [...workers].flatMap((name) => {
      const code = name === changed?.name ? changed.code : this.#deployed.code(name);
      return code === undefined ? [] : [{ name, code }];
    });
  }

  #openWatchdog(): Watchdog {
    // What a killed process left of its temporary files.
    rmSync(join(this.#dir, "tmp"), { recursive: true, force: true });
    return openWatchdog({ dir: this.#dir, workerd: workerdPath() });
  }

  async #startWith(workers: NamedWorker[], namespaces: string[]): Promise<Instance> {
    const dir = this.#dir;
    this.#watchdog ??= this.#openWatchdog();
    return this.#start({ dir, watchdog: this.#watchdog, workers, namespaces });
  }
}

/** The KV namespaces that a Worker's code is bound to. */
export function boundTo({ bindings }: Pick<WorkerCode, "bindings">): string[] {
  return bindings.flatMap((binding) =>
    binding.type === "kv_namespace" ? [binding.namespace_id] : [],
  );
}
