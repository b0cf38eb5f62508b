/** Runs the command line in a real terminal (a pty, by util-linux' `script`), as a person has one: it may ask, and is answered by typing. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { PROGRAM_ENV } from "./command.ts";

/** Elsewhere `script` is another program. */
export const HAS_TERMINAL = process.platform === "linux" && existsSync("/usr/bin/script");

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;

export interface TerminalCommand {
  /** What stands on the screen once it matches; rejects where the command ends first. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  type(text: string): void;
  ended: Promise<{ code: number | null; screen: string }>;
}

export function startInTerminal(
  args: readonly string[],
  { cwd, env = {} }: { cwd: string; env?: Record<string, string> },
): TerminalCommand {
  const words = [process.execPath, MAIN, ...args].map(
    (word) => `'${word.replaceAll("'", `'\\''`)}'`,
  );
  const child = spawn("/usr/bin/script", ["-qefc", words.join(" "), "/dev/null"], {
    cwd,
    env: { ...PROGRAM_ENV, TERM: "dumb", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let screen = "";
  const listeners = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text.replaceAll("\r", "");
    for (const listener of listeners) listener();
  });
  const ended = new Promise<{ code: number | null; screen: string }>((resolve) =>
    child.once("close", (code) => resolve({ code, screen })),
  );
  return {
    type: (text) => void child.stdin.write(text),
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const attempt = () => {
          const found = pattern.exec(screen);
          if (!found) return;
          listeners.delete(attempt);
          resolve(found);
        };
        listeners.add(attempt);
        attempt();
        void ended.then(({ code }) => reject(new Error(`ended with ${code}: ${screen}`)));
      }),
  };
}
