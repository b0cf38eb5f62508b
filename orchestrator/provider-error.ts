/**
 * The errors that providers answer with: one shape for each kind of endpoint (`{error}`, `{type: "error", error}`,
 * `{status: "error", error}`, and OAuth's `{error, error_description}`), here read as one.
 */
import { z } from "zod";
import { OrchestratorError } from "./error.ts";
import { invalid, type ProviderAnswer } from "./provider-call.ts";

export interface ProviderProblem {
  code: string;
  message: string;
  /** Further fields of the error, such as `tos_version`. */
  facts: Record<string, unknown>;
}

const Envelope = z.looseObject({
  error: z.looseObject({ code: z.string().max(100), message: z.string().max(2000).default("") }),
});
const OAuthError = z.looseObject({
  error: z.string().max(100),
  error_description: z.string().max(2000).default(""),
});

/** The error in a provider's answer, or undefined when it is none. */
export function readProblem(body: unknown): ProviderProblem | undefined {
  const envelope = Envelope.safeParse(body).data;
  if (envelope) {
    const { code, message, ...facts } = envelope.error;
    return { code, message, facts };
  }
  const oauth = OAuthError.safeParse(body).data;
  return oauth && { code: oauth.error, message: oauth.error_description, facts: {} };
}

/** What to throw for an answer that is not the one that was hoped for. */
export function refusal(provider: string, what: string, answer: ProviderAnswer): OrchestratorError {
  const problem = readProblem(answer.body);
  if (!problem) {
    if (answer.status >= 500) return unavailable(provider, what, answer.status);
    return invalid(`${provider} answers the ${what} with ${answer.status} in an unknown shape.`);
  }
  const { code, message } = problem;
  // Its words are kept out of ours: the agent's model reads them, and a stranger wrote them.
  const provider_code = /^[\w.:-]{1,60}$/.test(code) ? code : "unreadable";
  const details = { provider, provider_code, provider_message: message.slice(0, 300) };
  if (answer.status >= 500) return unavailable(provider, what, answer.status, details);
  return new OrchestratorError("PROVIDER_REFUSED", {
    problem: `${provider} refused the ${what} with ${answer.status} "${provider_code}".`,
    nextStep: "Change what the provider objects to, or use another provider.",
    details,
  });
}

function unavailable(
  provider: string,
  what: string,
  status: number,
  details?: Record<string, string>,
): OrchestratorError {
  return new OrchestratorError("PROVIDER_UNAVAILABLE", {
    problem: `${provider} failed at the ${what} with ${status}.`,
    nextStep: "Try again later; the same call can be repeated without harm.",
    details,
  });
}
