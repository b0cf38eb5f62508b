/**
 * Who makes a call: a person's own program in its session, which works in all of the person's projects, or an agent's run, which works in
 * one project, at the providers that it was started for.
 */
import { OrchestratorError } from "../error.ts";
import { allows, checkScope, isRun, type Run } from "../runs.ts";
import type { Session } from "../sessions.ts";

export type Caller = Session | Run;

/** Throws `NOT_ALLOWED` for a run. */
export function sessionOf(caller: Caller): Session {
  if (!isRun(caller)) return caller;
  throw new OrchestratorError("NOT_ALLOWED", {
    problem: "This call is for the person's own program, and not for an agent's run.",
    nextStep: "Do without it, or ask the person to do it.",
  });
}

/** A person's own program may use them all. */
export function mayUse(caller: Caller, provider: string): boolean {
  return !isRun(caller) || allows(caller, provider);
}

/** Throws `PROVIDER_NOT_ALLOWED`. */
export function checkProvider(caller: Caller, provider: string): void {
  if (isRun(caller)) checkScope(caller, provider);
}
