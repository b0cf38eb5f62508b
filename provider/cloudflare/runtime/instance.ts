/**
 * One run of workerd with a fixed set of Workers. It never changes: another set is another instance. Requests hold a lease while
 * they are under way, so that an instance can be drained before it ends.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Miniflare, MiniflareOptions } from "miniflare";
import { PurserError } from "../../../protocol/index.ts";
import { constructTamed } from "./tame-miniflare.ts";
import type { Watchdog } from "./watchdog.ts";
import type { NamedWorker, WorkerBinding } from "./worker-code.ts";

export type RuntimeErrorCode = "MINIFLARE_MISSING" | "WORKER_INVALID" | "RUNTIME_FAILED";

export class RuntimeError extends PurserError<RuntimeErrorCode> {}

export interface InstanceOptions {
  /** KV data lies below it. */
  dir: string;
  watchdog: Watchdog;
  workers: readonly NamedWorker[];
  /** Ids of the KV namespaces that the API must reach too. */
  namespaces: readonly string[];
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

/** Says which Worker a request is for; only the front may set it. */
export const WORKER_HEADER = "purser-worker";

/**
 * miniflare gives every host to its first Worker, so ours stands first: it hands the request to the Worker that the front
 * named, and keeps a Worker's stack from the visitor.
 */
const DISPATCHER = "dispatcher";
const DISPATCHER_SCRIPT = `export default {
  async fetch(request, env) {
    const headers = new Headers(request.headers);
    const worker = env[headers.get("${WORKER_HEADER}") ?? ""];
    headers.delete("${WORKER_HEADER}");
    if (worker === undefined) return new Response("There is no site here.\\n", { status: 404 });
    try {
      return await worker.fetch(new Request(request, { headers }));
    } catch {
      return new Response("The Worker threw an exception (error 1101).\\n", { status: 500 });
    }
  },
};`;
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

function miniflareOptions({ dir, workers, namespaces }: InstanceOptions): MiniflareOptions {
  const dispatcher = {
    name: DISPATCHER,
    modules: true as const,
    script: DISPATCHER_SCRIPT,
    compatibilityDate: "2026-01-01",
    serviceBindings: Object.fromEntries(workers.map(({ name }) => [name, name])),
    kvNamespaces: [...namespaces],
  };
  return {
    host: "127.0.0.1",
    port: 0,
    kvPersist: join(dir, "kv"),
    cache: false,
    // Without this miniflare asks the internet for a sample of `request.cf` at every start.
    cf: false,
    // What a Worker prints is nobody's to read here; miniflare itself reads what workerd says when it cannot start.
    handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
      stdout.resume();
      stderr.resume();
    },
    workers: [dispatcher, ...workers.map(workerOptions)],
  };
}

function workerOptions({ name, code }: NamedWorker) {
  return {
    name,
    modulesRoot: "/",
    modules: code.modules.map(({ name: path, type, base64 }) => ({
      type,
      path: `/${path}`,
      contents: Buffer.from(base64, "base64"),
    })),
    compatibilityDate: code.compatibilityDate,
    compatibilityFlags: [...code.compatibilityFlags],
    bindings: Object.fromEntries(code.bindings.flatMap(plainBinding)),
    kvNamespaces: Object.fromEntries(code.bindings.flatMap(kvBinding)),
    // A Worker is a stranger's code: the internet is open to it, this machine and its network are not.
    outboundService: { network: { allow: ["public"], tlsOptions: { trustBrowserCas: true } } },
  };
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

function plainBinding(binding: WorkerBinding): [string, Json][] {
  if (binding.type === "kv_namespace") return [];
  return [[binding.name, binding.type === "json" ? (binding.json as Json) : binding.text]];
}

function kvBinding(binding: WorkerBinding): [string, string][] {
  return binding.type === "kv_namespace" ? [[binding.name, binding.namespace_id]] : [];
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

function startError(error: unknown): RuntimeError {
  const text = error instanceof Error ? error.message : String(error);
  const [, said] = /Runtime stderr:\s*([\s\S]*)/.exec(text) ?? [];
  const about = /service core:user:\S+?: ([\s\S]*)/.exec(said ?? "")?.[1];
  const invalid = about !== undefined || text.includes("startup exceeded");
  return new RuntimeError(invalid ? "WORKER_INVALID" : "RUNTIME_FAILED", {
    problem: (about ?? said ?? text).replaceAll("file:///", "").trim().slice(0, 1000),
    nextStep: invalid
      ? "Correct the Worker and upload it again; what was live still is."
      : "Look whether workerd can run on this machine.",
    cause: error,
  });
}

/** The program that this miniflare would start, or `MINIFLARE_MISSING`. */
export function workerdPath(): string {
  try {
    const require = createRequire(createRequire(import.meta.url).resolve("miniflare"));
    return (require("workerd") as { default: string }).default;
  } catch (cause) {
    throw missing(cause);
  }
}

async function loadMiniflare() {
  return import("miniflare").catch((cause: unknown) => {
    throw missing(cause);
  });
}

function missing(cause: unknown): RuntimeError {
  return new RuntimeError("MINIFLARE_MISSING", {
    problem: "Workers run in miniflare, which is not installed.",
    nextStep: "Run: npm install miniflare@4.20260730.0",
    cause,
  });
}
