/** `--preflight`: what would stand in the way, as the published list of checks, and nothing is done. */
import { PurserError, toErrorBody } from "../../protocol/index.ts";
import type { Answer } from "./envelope.ts";
import { explain } from "./explain.ts";
import type { ProjectCommand } from "./project-command.ts";
import { publishedCode } from "./project-error.ts";

export interface Check {
  label: string;
  pass: boolean;
  code?: string;
  remedy?: string;
}

/** Whether an orchestrator answers, the person is signed in, and the folder has a project. */
export async function projectChecks(command: ProjectCommand): Promise<Check[]> {
  return [
    await check(
      "Orchestrator reachable and session authenticated",
      "BROWSER_AUTH_REQUIRED",
      async () => {
        await command.client().session();
      },
    ),
    await check("Project initialized", "PROJECT_NOT_INITIALIZED", () => void command.project()),
  ];

  async function check(
    label: string,
    code: string,
    work: () => Promise<void> | void,
  ): Promise<Check> {
    try {
      await work();
      return { label, pass: true, code };
    } catch (thrown) {
      const error = explain(thrown, { tool: command.tool, address: command.found });
      if (!(error instanceof PurserError)) throw error;
      const body = toErrorBody(error);
      const found = publishedCode(body.code);
      const published = found === "NO_PROJECT_CONFIG" ? code : found;
      return { label, pass: false, code: published, remedy: body.nextStep };
    }
  }
}

/** The list alone, as it is published. Exit code 1 where a check did not pass. */
export function preflightAnswer(checks: readonly Check[], command: ProjectCommand): Answer {
  const { paint } = command.surroundings.terminal;
  const lines = checks.flatMap(({ label, pass, code, remedy }) => [
    `${pass ? paint.good("ok") : paint.bad("no")}  ${label}${pass || code === undefined ? "" : ` (${code})`}`,
    ...(pass || remedy === undefined ? [] : [`    ${remedy}`]),
  ]);
  return { data: checks, lines, bare: true, failed: checks.some(({ pass }) => !pass) };
}
