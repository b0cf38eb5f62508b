/**
 * Runs all Workers of a provider. A change starts a new instance beside the one that serves, and only when it is up do requests
 * go there: a broken upload disturbs nobody, and a redeploy has no gap. In between, new requests wait for the old instance to
 * finish its own, because two workerds that write to one KV file would refuse each other.
 */
import {
  type Instance,
  type InstanceOptions,
  type Lease,
  startInstance,
  workerdPath,
} from "./instance.ts";
import { openWatchdog, type Watchdog } from "./watchdog.ts";
import type { NamedWorker } from "./worker-code.ts";

export interface WorkersRuntimeOptions {
  dir: string;
  /** Everything that is deployed, as it was recorded. */
  load: () => Pick<InstanceOptions, "workers" | "namespaces">;
  /** Replaced in tests. */
  start?: typeof startInstance;
}

export interface WorkersChange {
  /** Asked when its turn has come, so that it builds on the changes before it. */
  workers: () => readonly NamedWorker[];
  /** Records the change, once it is known to run and before it serves. */
  commit?: () => void;
}

/** How long a request may keep an old instance alive. */
const DRAIN_TIMEOUT_MS = 2_000;

export class WorkersRuntime {
  readonly #dir: string;
  readonly #load: WorkersRuntimeOptions["load"];
  readonly #start: typeof startInstance;
  #watchdog: Watchdog | undefined;
  #current: Promise<Instance> | undefined;
  /** Requests pass when it is open. */
  #gate: Promise<void> = Promise.resolve();
  /** Changes happen one after another. */
  #changes: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor({ dir, load, start = startInstance }: WorkersRuntimeOptions) {
    this.#dir = dir;
    this.#load = load;
    this.#start = start;
  }

  /** Loads miniflare and starts workerd before anyone needs it. */
  async prewarm(): Promise<void> {
    await this.#running();
  }

  /** A place to send a request to; dispose of it when the request has ended. */
  async lease(): Promise<Lease> {
    for (;;) {
      const gate = this.#gate;
      await gate;
      const instance = await this.#running();
      if (gate === this.#gate) return instance.lease();
    }
  }

  /** As `lease`, from an instance that knows the KV namespace. */
  async leaseFor(namespace: string): Promise<Lease> {
    const instance = await this.#running();
    if (!instance.namespaces.has(namespace)) await this.restart();
    return this.lease();
  }

  /** Runs other Workers from now on, or throws `WORKER_INVALID` and changes nothing. */
  async change({ workers, commit }: WorkersChange): Promise<void> {
    const change = this.#changes.then(async () => {
      const { namespaces } = this.#load();
      const next = await this.#startWith({ workers: workers(), namespaces });
      try {
        commit?.();
      } catch (error) {
        await next.dispose();
        throw error;
      }
      await this.#switch(next);
    });
    this.#changes = change.catch(() => {});
    return change;
  }

  /** For when a Worker keeps the runtime from answering anyone. */
  async restart(): Promise<void> {
    await this.change({ workers: () => this.#load().workers });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#changes;
    const instance = await this.#current?.catch(() => undefined);
    await instance?.dispose();
    await this.#watchdog?.close();
  }

  async #startWith(set: Pick<InstanceOptions, "workers" | "namespaces">): Promise<Instance> {
    const dir = this.#dir;
    this.#watchdog ??= openWatchdog({ dir, workerd: workerdPath() });
    return this.#start({ dir, watchdog: this.#watchdog, ...set });
  }

  #running(): Promise<Instance> {
    if (this.#current) return this.#current;
    const current = this.#startWith(this.#load());
    this.#current = current;
    current.catch(() => {
      // The next request tries again.
      if (this.#current === current) this.#current = undefined;
    });
    return current;
  }

  async #switch(next: Instance): Promise<void> {
    const gate = Promise.withResolvers<void>();
    this.#gate = gate.promise;
    try {
      const old = await this.#current?.catch(() => undefined);
      await old?.drain(this.#closed ? 0 : DRAIN_TIMEOUT_MS);
      await old?.dispose();
    } finally {
      this.#current = Promise.resolve(next);
      gate.resolve();
    }
  }
}
