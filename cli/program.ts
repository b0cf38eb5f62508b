/**
 * The commands and their options, and how each ends: with an exit code, and with `--json` as exactly one JSON object on stdout,
 * also when the command line itself is wrong.
 */
import { Command, CommanderError } from "commander";
import type { ErrorBody } from "../protocol/error.ts";
import { addCheckProvider } from "./check-provider-program.ts";
import { addCheck } from "./check-program.ts";
import { addFacilitator } from "./facilitator-program.ts";
import { endedBy, EXIT, type ExitCode, UsageError } from "./exit.ts";
import type { Surroundings } from "./surroundings.ts";
import { plain, type Terminal } from "./terminal.ts";
import { findPackage } from "./package.ts";
import { addPay } from "./pay-program.ts";
import { refusalEnvelope } from "./project/refusal-envelope.ts";
import { addProject } from "./project-program.ts";
import { isProjectCommand } from "./project-commands.ts";
import { addRunning } from "./run-program.ts";
import { addScenario } from "./scenario-program.ts";
import { addWalletCommands } from "./wallet-program.ts";
import { addWorld } from "./world-program.ts";

/** Runs one command line and gives its exit code. */
export async function run(argv: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { terminal, json } = surroundings;
  let code: ExitCode = EXIT.passed;
  const program = createProgram(surroundings, (ended) => (code = ended));
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.passed;
    const ended = error instanceof CommanderError ? endedBy(asUsage(error)) : endedBy(error);
    if (json) terminal.out(JSON.stringify(refusal(argv, ended.error, surroundings), undefined, 2));
    // What is wrong with the command line itself, commander has printed.
    else if (!(error instanceof CommanderError)) tell(ended.error, terminal);
    return ended.code;
  }
}

/** A project command answers in its own envelope, also when its command line is wrong. */
function refusal(argv: readonly string[], error: ErrorBody, { tool = "purser" }: Surroundings) {
  const [name = ""] = argv;
  return isProjectCommand(name)
    ? refusalEnvelope(error, { command: name, tool })
    : { passed: false, error };
}

function createProgram(surroundings: Surroundings, end: (code: ExitCode) => void): Command {
  const { terminal } = surroundings;
  const program = new Command(surroundings.tool ?? "purser")
    .description(
      "A sentence goes in, a live URL comes out, and the money cannot run away.\nEverything happens on this machine, with play money, unless you configure otherwise.",
    )
    .version(findPackage()?.version ?? "unknown")
    // Each command reads what stands behind its own name.
    .enablePositionalOptions()
    .showHelpAfterError("Run it with --help to see how it is used.")
    .addHelpText(
      "after",
      `
Examples:
  purser run "Put a landing page for Nimbus Coffee on nimbus.dev"
  purser run scenarios/over-budget.md --json
  purser eval scenarios/*.md --model planner --epochs 3
  purser up

Exit codes: 0 passed, 1 not passed, 2 wrong usage (nothing was started), 3 the world could not start.`,
    );
  for (const add of [
    addRunning,
    addProject,
    addWorld,
    addPay,
    addWalletCommands,
    addScenario,
    addFacilitator,
    addCheck,
    addCheckProvider,
  ]) {
    add(program, surroundings, end);
  }
  const quiet = (text: string) => {
    if (!surroundings.json) terminal.note(text.trimEnd());
  };
  for (const command of withNested(program)) {
    command.exitOverride().configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: quiet,
      outputError: (text, write) => write(`${text.trimEnd()} (USAGE)\n`),
    });
  }
  return program;
}

function withNested(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withNested)];
}

function asUsage(error: CommanderError): UsageError {
  return new UsageError("USAGE", {
    problem: plain(error.message.replace(/^error: /, "")),
    nextStep: "Run `purser --help`, or the command with --help, to see how it is used.",
  });
}

function tell(error: ErrorBody, { note, paint }: Terminal): void {
  note(
    `${paint.bad(error.code)}: ${error.problem
      .split("\n")
      .map((line) => plain(line, 2000))
      .join("\n")}`,
  );
  note(plain(error.nextStep, 2000));
}
