/** A person's own program as the one who asks: nobody is asked anything in its calls, and what the person has said came along. */
import type { AgentScope } from "../../protocol/index.ts";
import type { Asker } from "../approvals.ts";
import type { Session } from "../sessions.ts";

interface Said {
  accept_terms?: string | undefined;
  scopes?: readonly AgentScope[] | undefined;
  /** The call is the person's word that the program may use the account. */
  grants?: boolean;
  /** Of an account that the call may make. */
  configuration?: Readonly<Record<string, string>> | undefined;
}

export function askerOf(project: string, { agent }: Session, said: Said): Asker {
  const { accept_terms: acceptTerms, scopes, grants = false, configuration } = said;
  const session = { acceptTerms, scopes, grants, configuration };
  return { project, id: `session:${agent}`, agent, session };
}
