/** Why Workers do not run: miniflare is absent, a Worker is wrong, or workerd cannot start at all. */
import { PurserError } from "../../../protocol/index.ts";

export type RuntimeErrorCode = "MINIFLARE_MISSING" | "WORKER_INVALID" | "RUNTIME_FAILED";

export class RuntimeError extends PurserError<RuntimeErrorCode> {}

/** What miniflare says of a failed start, in words for whoever uploaded the Worker: without our paths and names. */
export function startError(error: unknown): RuntimeError {
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

export function miniflareMissing(cause: unknown): RuntimeError {
  return new RuntimeError("MINIFLARE_MISSING", {
    problem: "Workers run in miniflare, which is not installed.",
    nextStep: "Run: npm install miniflare@4.20260730.0",
    cause,
  });
}
