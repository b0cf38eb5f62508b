/** What every command gets beside its own options: everything of the process that it may touch. */
import { toErrorBody } from "../protocol/error.ts";
import { interruptSignal } from "./interrupt.ts";
import { createTerminal, type Terminal } from "./terminal.ts";

/** Of what waits: milliseconds that pass, from whenever. */
export interface Clock {
  now(): number;
  /** Rejects where the signal aborts. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

export interface Surroundings {
  terminal: Terminal;
  json: boolean;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** Aborts at the first Ctrl-C or SIGTERM. */
  signal: AbortSignal;
  /** When the program began, in milliseconds since the epoch. */
  startedAt: number;
  /** The process's own by default. */
  clock?: Clock;
  /** What is read where a command line says so; the process's own by default. */
  stdin?: AsyncIterable<Uint8Array | string>;
  /** What the person called it by, where that is not "purser": "stripe projects". */
  tool?: string;
}

export function processSurroundings(argv: readonly string[]): Surroundings {
  const { stdout, stderr, stdin, env } = process;
  const json = argv.includes("--json");
  let written = false;
  const plainTerminal = createTerminal({ stdout, stderr, stdin, env });
  const terminal: Terminal = {
    ...plainTerminal,
    out(line) {
      written = true;
      plainTerminal.out(line);
    },
  };
  // A bug of ours or of a package's: told as one, and the children end with us.
  process.on("uncaughtException", (thrown: unknown) => {
    const error = toErrorBody(thrown);
    if (json && !written) terminal.out(JSON.stringify({ passed: false, error }, undefined, 2));
    terminal.note(`${error.code}: ${error.problem}\n${error.nextStep}`);
    process.exit(1);
  });
  return {
    terminal,
    json,
    env,
    cwd: process.cwd(),
    signal: interruptSignal((name) => {
      if (name === "SIGINT") terminal.note("\nStopping.");
    }),
    startedAt: Math.round(performance.timeOrigin),
  };
}
