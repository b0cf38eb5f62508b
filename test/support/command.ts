/** Runs the command line as a person does: a process of its own, with stdout and stderr apart, and no terminal. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunningCommand {
  child: ChildProcess;
  /** Everything of stdout so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves when stdout holds one whole JSON value. */
  json<T>(): Promise<T>;
  ended: Promise<CommandResult>;
}

export interface CommandOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Makes it the leader of a process group of its own, as a shell does with a job. */
  ownGroup?: boolean;
}

/** What the program needs of our own environment; and what is compiled is kept also of the files that it loads before it says so. */
export const PROGRAM_ENV: Readonly<Record<string, string | undefined>> = {
  PATH: process.env["PATH"],
  NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
};

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;

export function startCommand(
  args: readonly string[],
  options: CommandOptions = {},
): RunningCommand {
  const { cwd = process.cwd(), env = {}, ownGroup = false } = options;
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: { ...PROGRAM_ENV, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: ownGroup,
  });
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const listener of listeners) listener();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<CommandResult>((resolve) =>
    child.once("close", (code) => resolve({ code, stdout, stderr })),
  );
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    json: <T>() =>
      new Promise<T>((resolve, reject) => {
        const attempt = () => {
          try {
            resolve(JSON.parse(stdout) as T);
            listeners.delete(attempt);
          } catch {
            // Not whole yet.
          }
        };
        listeners.add(attempt);
        attempt();
        void ended.then(({ code }) =>
          reject(new Error(`ended with ${code} and without JSON: ${stdout}${stderr}`)),
        );
      }),
  };
}

export function runCommand(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return startCommand(args, options).ended;
}

/** The processes that have to do with a folder: by argument, working folder or environment. Linux only; elsewhere none. */
export function processesOf(folder: string): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((pid) => {
      const about = [
        read(() => readFileSync(`/proc/${pid}/cmdline`, "utf8")),
        read(() => readlinkSync(`/proc/${pid}/cwd`)),
        read(() => readFileSync(`/proc/${pid}/environ`, "utf8")),
      ].join(" ");
      return about.includes(folder) ? [`${pid} ${about.slice(0, 120)}`] : [];
    });
}

function read(what: () => string): string {
  try {
    return what();
  } catch {
    return "";
  }
}
