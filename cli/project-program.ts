/** The options of the project commands (`purser init`, `add`, `env`, …): the published ones of `stripe projects`, and a few of ours. */
import { type Command, Option } from "commander";
import type { ExitCode } from "./exit.ts";
import { type CommandLine, PROJECT_COMMANDS } from "./project-commands.ts";
import type { ProjectFlags } from "./project/project-command.ts";
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

const EVERYWHERE = [
  "--accept-tos",
  "--confirm-paid-service",
  "--auto-confirm",
  "--interactive",
  "--testmode",
  "--debug",
  "--stream",
  "--quiet",
  "--color <when>",
];

function addLine(
  parent: Command,
  { name, description, options = [], withoutEffect = [], ...line }: CommandLine,
  surroundings: Surroundings,
  end: (code: ExitCode) => void,
): Command {
  const { hidden = false, help, run, args = [] } = line;
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
  // Published for every command: taken by each, and in the help of those to which they mean something.
  for (const flags of [...EVERYWHERE, ...withoutEffect]) {
    const option = new Option(flags).hideHelp();
    if (!command.options.some(({ long }) => long === option.long)) command.addOption(option);
  }
  if (help !== undefined) command.addHelpText("after", help);
  command.action(async (...given: unknown[]) => {
    // Commander hands over the arguments, then the options, then the command itself.
    const words = given
      .slice(0, args.length)
      .map((word) => (Array.isArray(word) ? word.join(" ") : (word as string | undefined)));
    end(await run(words, flagsOf(command), surroundings));
  });
  return command;
}

/** What was said to the command itself counts before a default of the one that it is under. */
function flagsOf(command: Command): ProjectFlags {
  const flags = command.optsWithGlobals<ProjectFlags & { autoConfirm?: true }>();
  const said = Object.entries(command.opts()).filter(
    ([name]) => command.getOptionValueSource(name) === "cli",
  );
  Object.assign(flags, Object.fromEntries(said));
  if (flags.autoConfirm) flags.yes = true;
  return flags;
}
