/** What every command gets beside its own options: everything of the process that it may touch. */
import { interruptSignal } from "./interrupt.ts";
import { createTerminal, type Terminal } from "./terminal.ts";

export interface Surroundings {
  terminal: Terminal;
  json: boolean;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** Aborts at the first Ctrl-C or SIGTERM. */
  signal: AbortSignal;
  /** When the program began, in milliseconds since the epoch. */
  startedAt: number;
}

export function processSurroundings(argv: readonly string[]): Surroundings {
  const { stdout, stderr, stdin, env } = process;
  const terminal = createTerminal({ stdout, stderr, stdin, env });
  return {
    terminal,
    json: argv.includes("--json"),
    env,
    cwd: process.cwd(),
    signal: interruptSignal((name) => {
      if (name === "SIGINT") terminal.note("\nStopping.");
    }),
    startedAt: Math.round(performance.timeOrigin),
  };
}
