/** What a project command is on the command line: its words, its options, and the code that is loaded when it is called. */
import type { ExitCode } from "../exit.ts";
import type { Answer } from "../project/envelope.ts";
import type { ProjectCommand, ProjectFlags } from "../project/project-command.ts";
import type { Surroundings } from "../surroundings.ts";

export type Pair = readonly [flags: string, description: string];

export interface CommandLine {
  name: string;
  description: string;
  args?: readonly Pair[];
  options?: readonly Pair[];
  /** Published options that change nothing here: they are taken, and are in no help. */
  withoutEffect?: readonly string[];
  help?: string;
  commands?: readonly CommandLine[];
  /** A published word that is not built: it takes any arguments, and is in no help. */
  hidden?: boolean;
  run: (
    words: readonly (string | undefined)[],
    flags: ProjectFlags,
    surroundings: Surroundings,
  ) => Promise<ExitCode>;
}

type Work = (
  command: ProjectCommand,
  words: readonly (string | undefined)[],
) => Promise<Answer> | Answer;

/** The code that all of them share is loaded with the first one that runs. */
export function runs(name: string, work: Work): CommandLine["run"] {
  return async (words, flags, surroundings) => {
    const { runProjectCommand } = await import("../project/project-command.ts");
    return runProjectCommand(name, flags, surroundings, async (command) => work(command, words));
  };
}

/** A published word that has no meaning here, with the reason and what to do instead. */
export function unbuilt(name: string, reason: string, nextStep: string): CommandLine {
  return {
    name,
    description: "Not built.",
    hidden: true,
    run: runs(name, async () =>
      (await import("../project/unbuilt.ts")).refuseUnbuilt(name, reason, nextStep),
    ),
  };
}

export const TERMS: Pair = ["--accept-tos", "the person has accepted the provider's terms"];
export const PAID: Pair = ["--confirm-paid-service", "the person has agreed to the price"];
export const CONFIG: Pair = ["--config <json>", 'its configuration, such as \'{"title":"todos"}\''];
export const RESOURCE: Pair = ["<resource>", "its id, or the name that `services list` shows"];
export const PROVIDER: Pair = ["<provider>", "such as cloudflare"];
