/** The published envelope around a refusal; the command line's own refusals have it too, so it is kept apart from what is loaded late. */
import type { ErrorBody } from "../../protocol/error.ts";
import { publishedCode } from "./project-error.ts";

export interface Meta {
  authenticated: boolean;
  project_initialized: boolean;
}

export interface Refused {
  command: string;
  tool: string;
  nextSteps?: readonly string[];
  meta?: Meta;
}

const NOTHING_KNOWN: Meta = { authenticated: false, project_initialized: false };

export function refusalEnvelope(
  { code, problem, nextStep, details }: ErrorBody,
  { nextSteps = [], meta = NOTHING_KNOWN, ...named }: Refused,
) {
  const error = {
    code: publishedCode(code),
    message: problem,
    next_step: nextStep,
    ...(details ? { details } : {}),
  };
  return { ok: false, ...head(named), error, warnings: [], next_steps: nextSteps, meta };
}

/** Such as "add", and "projects add" for who asked in the published words. */
export function head({ command, tool }: Pick<Refused, "command" | "tool">) {
  return { command: tool === "purser" ? command : `projects ${command}`, version: "0.1" };
}
