/**
 * One run of workerd with a fixed set of Workers. It never changes: another set is another instance. Requests hold a lease while
 * they are under way, so that an instance can be drained before it ends.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Miniflare } from "miniflare";
import { loadMiniflare } from "./load-miniflare.ts";
import { type CellContents, DISPATCHER, miniflareOptions } from "./miniflare-options.ts";
import { startError } from "./runtime-error.ts";
import { constructTamed } from "./tame-miniflare.ts";
import type { Watchdog } from "./watchdog.ts";

export interface InstanceOptions extends CellContents {
  watchdog: Watchdog;
  /** A Worker that has not started by then never will: a loop at its top level, for example. */
  startupTimeoutMs?: number;
}

/** The part of a Worker's KV binding that the v4 API needs. */
export interface KvStore {
  get(key: string, type: "arrayBuffer"): Promise<ArrayBuffer | null>;
  put(
    key: string,
    value: ArrayBuffer,
    options: { expiration?: number; expirationTtl?: number },
  ): Promise<void>;
  delete(key: string): Promise<void>;
  list(options: { prefix?: string; cursor?: string; limit: number }): Promise<{
    keys: { name: string; expiration?: number }[];
    list_complete: boolean;
    cursor?: string;
  }>;
}

export interface Lease extends Disposable {
  /** Where workerd listens, on loopback. */
  readonly port: number;
  kv(namespace: string): Promise<KvStore>;
}

export interface Instance {
  lease(): Lease;
  /** True when no lease is left. */
  isIdle(): boolean;
  /** Waits until no lease is left, at most this long. */
  drain(timeoutMs: number): Promise<void>;
  dispose(): Promise<void>;
}

const STARTUP_TIMEOUT_MS = 8_000;

/** Starts workerd, or throws `WORKER_INVALID` when one of the Workers cannot be started, `MINIFLARE_MISSING` without it. */
export async function startInstance(options: InstanceOptions): Promise<Instance> {
  const { Miniflare } = await loadMiniflare();
  options.watchdog.arm();
  mkdirSync(join(options.dir, "tmp"), { recursive: true });
  const tmpdir = mkdtempSync(join(options.dir, "tmp", "run-"));
  const miniflare = constructTamed(Miniflare, miniflareOptions(options), tmpdir);
  const dispose = async () => {
    await miniflare.dispose();
    options.watchdog.forgetEnded();
    // miniflare leaves some of its own.
    rmSync(tmpdir, { recursive: true, force: true });
  };
  let port: number;
  try {
    port = Number(
      (await withTimeout(miniflare.ready, options.startupTimeoutMs ?? STARTUP_TIMEOUT_MS)).port,
    );
  } catch (error) {
    await dispose().catch(() => {});
    throw startError(error);
  }
  return leased({ miniflare, port, dispose });
}

function leased({
  miniflare,
  port,
  dispose,
}: {
  miniflare: Miniflare;
  port: number;
  dispose: () => Promise<void>;
}): Instance {
  let leases = 0;
  let idle: (() => void) | undefined;
  const kv = async (namespace: string) =>
    (await miniflare.getKVNamespace(namespace, DISPATCHER)) as unknown as KvStore;
  return {
    lease: () => {
      leases += 1;
      let held = true;
      const release = () => {
        if (held) leases -= 1;
        held = false;
        if (leases === 0) idle?.();
      };
      return { port, kv, [Symbol.dispose]: release };
    },
    isIdle: () => leases === 0,
    drain: async (timeoutMs) => {
      if (leases === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      idle = resolve;
      const timer = setTimeout(resolve, timeoutMs);
      await promise;
      clearTimeout(timer);
    },
    dispose,
  };
}

async function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error("Worker startup exceeded its time limit")),
    timeoutMs,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
