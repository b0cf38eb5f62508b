/** What miniflare is told: our dispatcher first, then the Workers, each shut off from this machine. */
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { MiniflareOptions } from "miniflare";
import type { NamedWorker, WorkerBinding } from "./worker-code.ts";

/** Says which Worker a request is for; only the front may set it. */
export const WORKER_HEADER = "purser-worker";

/**
 * miniflare gives every host to its first Worker, so ours stands first: it hands the request to the Worker that the front
 * named, and keeps a Worker's stack from the visitor.
 */
export const DISPATCHER = "dispatcher";
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

export interface CellContents {
  /** KV data lies below it. */
  dir: string;
  workers: readonly NamedWorker[];
  /** Ids of the KV namespaces that the API must reach too. */
  namespaces: readonly string[];
}

export function miniflareOptions({ dir, workers, namespaces }: CellContents): MiniflareOptions {
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
