/** The command line in this process: as fast as a test wants it, and with what it printed apart. */
import { Readable } from "node:stream";
import { run } from "../../cli/program.ts";
import type { Clock } from "../../cli/surroundings.ts";
import { PLAIN } from "../../cli/terminal.ts";

export interface CommandLineOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** As if a person were looking. A command that asks then waits for ever, and its test fails by time. */
  interactive?: boolean;
  /** Where stderr goes, line by line, for a test that looks while the command runs. */
  stderr?: string[];
  /** What is piped into it. */
  stdin?: string;
  clock?: Clock;
  /** What the program was called by. */
  tool?: string;
}

export async function commandLine(
  args: readonly string[],
  {
    cwd = process.cwd(),
    env = {},
    interactive = false,
    stderr = [],
    stdin,
    clock,
    tool,
  }: CommandLineOptions = {},
) {
  const stdout: string[] = [];
  const code = await run(args, {
    terminal: {
      out: (line = "") => void stdout.push(line),
      note: (line = "") => void stderr.push(line),
      paint: PLAIN,
      interactive,
    },
    json: args.includes("--json"),
    env,
    cwd,
    signal: new AbortController().signal,
    startedAt: Date.now(),
    ...(clock === undefined ? {} : { clock }),
    ...(stdin === undefined ? {} : { stdin: Readable.from([stdin]) }),
    ...(tool === undefined ? {} : { tool }),
  });
  return { code, stdout: stdout.join("\n"), stderr: stderr.join("\n") };
}
