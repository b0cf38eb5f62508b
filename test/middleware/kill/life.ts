/** A child process that pays, from its start to its end: what it said, and how it went. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Plan, Said } from "./payer.ts";
import { bundled } from "../../support/bundled.ts";

export interface Life {
  /** Each item it had an outcome for. */
  readonly said: (Said & { readonly item: string })[];
  /** It ended by SIGKILL; otherwise it came to its end. */
  readonly killed: boolean;
  /** Of a life that ended in any other way: a bug. */
  readonly error: string | undefined;
}

const CHILD = await bundled(new URL("kill-child.ts", import.meta.url));

export interface LifeOptions {
  readonly plan: Plan;
  /** Keeps compiled code from one life to the next: loading it is most of a short life. */
  readonly cacheFolder: string;
  /** Counted from its first word; without it, it ends itself. */
  readonly killAfterMs?: number | undefined;
}

export function live({ plan, cacheFolder, killAfterMs }: LifeOptions): Promise<Life> {
  const env = { NODE_COMPILE_CACHE: cacheFolder, ...process.env };
  const child = spawn(process.execPath, [CHILD, JSON.stringify(plan)], { env });
  const said: Life["said"] = [];
  let errors = "";
  let done = false;
  let timer: NodeJS.Timeout | undefined;
  // A life that hangs is a bug too.
  const hung = setTimeout(() => child.kill("SIGABRT"), 300_000);
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  createInterface({ input: child.stdout }).on("line", (line) => {
    const word = read(line);
    if ("started" in word && killAfterMs !== undefined)
      timer = setTimeout(() => child.kill("SIGKILL"), killAfterMs);
    if ("item" in word) said.push(word as Life["said"][number]);
    if ("done" in word) done = true;
  });
  return new Promise((resolve) => {
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      clearTimeout(hung);
      const killed = signal === "SIGKILL";
      const good = killed || (done && code === 0);
      const error = good ? undefined : `exit ${code ?? signal}: ${errors.slice(0, 2_000)}`;
      resolve({ said, killed, error });
    });
  });
}

/** The last line of a killed process may be cut off. */
function read(line: string): object {
  try {
    return JSON.parse(line) as object;
  } catch {
    return {};
  }
}
