/** Every project command, in the order of the help. */
import { ACCOUNTS } from "./project-commands/accounts.ts";
import { BEGINNING } from "./project-commands/beginning.ts";
import type { CommandLine } from "./project-commands/command-line.ts";
import { ENVIRONMENT_COMMANDS } from "./project-commands/environment.ts";
import { RESOURCES } from "./project-commands/resources.ts";

export type { CommandLine } from "./project-commands/command-line.ts";

export const PROJECT_COMMANDS: readonly CommandLine[] = [
  ...BEGINNING,
  ...RESOURCES,
  ...ENVIRONMENT_COMMANDS,
  ...ACCOUNTS,
];

export function isProjectCommand(name: string): boolean {
  return PROJECT_COMMANDS.some((command) => command.name === name);
}
