/** The command lines of `purser scenario`. */
import type { Command } from "commander";
import type { ExitCode } from "./exit.ts";
import type { Surroundings } from "./surroundings.ts";

export function addScenario(
  program: Command,
  surroundings: Surroundings,
  end: (code: ExitCode) => void,
): void {
  const scenario = program.command("scenario").description("Write scenario files.");
  scenario
    .command("lint")
    .description(
      "Check scenario files; every problem with its line. Exit code 2 when there is one.",
    )
    .argument("<files...>", "scenario files")
    .option("--json", "print one JSON object")
    .action(async (files: string[]) => {
      const { lintCommand } = await import("./scenario.ts");
      end(await lintCommand(files, surroundings));
    });
  scenario
    .command("new")
    .description("Make a scenario file to begin with: <name>.md in this folder.")
    .argument("<name>", "lower-case letters, digits and dashes")
    .option("--json", "print one JSON object")
    .action(async (name: string) => {
      const { newCommand } = await import("./scenario.ts");
      end(await newCommand(name, surroundings));
    });
}
