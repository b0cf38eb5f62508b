/** The options of the project commands (`purser init`, `add`, `env`, …): the published ones of `stripe projects`, and a few of ours. */
import type { Command } from "commander";
import type { ExitCode } from "./exit.ts";
import { type CommandLine, PROJECT_COMMANDS } from "./project-commands.ts";
import type { Surroundings } from "./surroundings.ts";

export function addProject(
  program: Command,
  surroundings: Surroundings,
  end: (code: ExitCode) => void,
): void {
  for (const line of PROJECT_COMMANDS) {
    const command = addLine(program, line, surroundings, end).helpGroup("Project commands:");
    for (const nested of line.commands ?? []) addLine(command, nested, surroundings, end);
  }
}

function addLine(
  parent: Command,
  { name, description, options = [], hidden = false, help, run, args = [] }: CommandLine,
  surroundings: Surroundings,
  end: (code: ExitCode) => void,
): Command {
  const command = parent.command(name, { hidden }).description(description);
  if (hidden) command.allowUnknownOption().allowExcessArguments();
  for (const [argument, text] of args) command.argument(argument, text);
  for (const [flags, text] of options) command.option(flags, text);
  command
    .option("-y, --yes", "say yes to what cannot be undone; never to terms or to a price")
    .option("--non-interactive", "never ask: end with a code and a next step")
    .option("--no-interactive", "the same")
    .option(
      "--orchestrator <url>",
      "which one (default: PURSER_ORCHESTRATOR, the project's, or the local world's)",
    )
    .option("--json", "print one JSON object");
  if (help !== undefined) command.addHelpText("after", help);
  command.action(async (...given: unknown[]) => {
    // Commander hands over the arguments, then the options, then the command itself.
    const words = given.slice(0, args.length) as (string | undefined)[];
    const flags = command.optsWithGlobals();
    end(await run(words, flags, surroundings));
  });
  return command;
}
