/**
 * Who asks for something in a call. Of a person's own program nobody is asked anything, and what the person has said came along. Of a run
 * the person is asked, so a run cannot say it for them.
 */
import type { AgentScope } from "../../protocol/index.ts";
import type { Asker } from "../approvals.ts";
import { OrchestratorError } from "../error.ts";
import { isRun } from "../runs.ts";
import type { Caller } from "./caller.ts";

interface Said {
  accept_terms?: string | undefined;
  scopes?: readonly AgentScope[] | undefined;
  /** The call is the person's word that the program may use the account. */
  grants?: boolean;
  /** Of an account that the call may make. */
  configuration?: Readonly<Record<string, string>> | undefined;
}

/** Throws `NOT_ALLOWED` where a run says what is the person's to say. */
export function askerOf(project: string, caller: Caller, said: Said): Asker {
  const { accept_terms: acceptTerms, scopes, grants = false, configuration } = said;
  if (!isRun(caller)) {
    const { agent } = caller;
    const session = { acceptTerms, scopes, grants };
    return { project, id: `session:${agent}`, agent, session, configuration };
  }
  if (acceptTerms === undefined && scopes === undefined) return { ...caller, configuration };
  throw new OrchestratorError("NOT_ALLOWED", {
    problem: "Terms are the person's to accept, and what an agent may do is the person's to say.",
    nextStep: "Make the call without accept_terms and scopes: the person is asked.",
  });
}
