/**
 * A server under test that the tester starts by its command, and so can kill and start again. It runs in a process group of its own,
 * which ends with the tester.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { ConformanceError } from "../conformance-error.ts";
import type { ServerControl } from "./harness.ts";
import type { ServerSettings } from "./settings.ts";

export interface ServedCommandOptions {
  /** For a shell. */
  readonly command: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly settings: ServerSettings;
  /** It is up when this answers, whatever it answers. */
  readonly url: string;
  /** Each line that the server writes. */
  readonly onLine?: ((line: string) => void) | undefined;
  /** Default: 30 s. */
  readonly startMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ServedCommand extends ServerControl {
  /** Its last lines. */
  readonly words: () => string;
}

export function servedCommand(options: ServedCommandOptions): ServedCommand {
  const { command, cwd, env, settings, url, onLine, startMs = 30_000, signal } = options;
  let child: ChildProcess | undefined;
  let last: string[] = [];
  const hear = (chunk: Buffer) => {
    for (const line of chunk.toString().split("\n").filter(Boolean)) {
      last = [...last.slice(-19), line];
      onLine?.(line);
    }
  };
  const isUp = async (ms = 5_000) => {
    const answer = await fetch(url, {
      redirect: "manual",
      signal: AbortSignal.timeout(Math.ceil(Math.max(1, Math.min(ms, 5_000)))),
    }).catch(() => undefined);
    await answer?.body?.cancel();
    return answer !== undefined;
  };
  const end = (of: ChildProcess | undefined) => {
    try {
      if (of?.pid !== undefined) process.kill(-of.pid, "SIGKILL");
    } catch {
      // It is gone.
    }
  };
  process.once("exit", () => end(child));
  return {
    words: () => last.join("\n").slice(-2000),
    async start(withinMs = startMs) {
      // Whoever answers already is not the one that is started here.
      if (child === undefined && (await isUp())) throw taken(url);
      child = spawn(command, {
        shell: true,
        detached: true,
        cwd,
        env: { ...env, ...settings },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const own = child;
      own.on("error", () => undefined);
      const isOver = () =>
        own.pid === undefined || own.exitCode !== null || own.signalCode !== null;
      own.stdout?.on("data", hear);
      own.stderr?.on("data", hear);
      const until = Date.now() + withinMs;
      while (!isOver() && Date.now() < until) {
        signal?.throwIfAborted();
        if (await isUp(until - Date.now())) return true;
        await setTimeout(50);
      }
      end(own);
      return false;
    },
    async kill() {
      const own = child;
      if (!own || own.exitCode !== null || own.signalCode !== null) return;
      const gone = once(own, "exit");
      end(own);
      await gone;
    },
  };
}

function taken(url: string): ConformanceError {
  return new ConformanceError("CHECK_SERVE_FAILED", {
    problem: `Something answers at ${url} already.`,
    nextStep: "Stop it, so that the tester can start the server, or leave --serve out.",
  });
}

/** Throws `CHECK_SERVE_FAILED` with the server's own last words. */
export async function startServed(server: ServedCommand, url: string): Promise<void> {
  if (await server.start()) return;
  const words = server.words();
  throw new ConformanceError("CHECK_SERVE_FAILED", {
    problem: `The command does not serve ${url}${words === "" ? "." : `; it said:\n${words}`}`,
    nextStep:
      "Start it by hand with what `purser check <url> --ring 3 --settings` prints in its environment, and see why.",
  });
}
