/**
 * What went wrong with a model, as an error that a person can act on. A provider's own message is quoted only where it helps,
 * shortened and without anything that looks like a key; never its headers, bodies or stack.
 */
import { AgentError } from "./agent-error.ts";

interface ApiFailure {
  statusCode?: number;
  message: string;
}

/** Reads an error that the AI SDK threw. `model` is the name the person chose it by. */
export function modelError(thrown: unknown, model: string): AgentError {
  const failure = lastFailure(thrown);
  const status = failure.statusCode;
  if (status === 401 || status === 403) {
    return new AgentError("MODEL_KEY_REFUSED", {
      problem: `The model "${model}" answered ${status}: its API key is not accepted.`,
      nextStep: "Set a key that may use this model.",
    });
  }
  if (status === 429 || (status !== undefined && status >= 500)) {
    return new AgentError("MODEL_BUSY", {
      problem: `The model "${model}" answered ${status}, also when it was asked again.`,
      nextStep: "Resume the run later, or choose another model.",
    });
  }
  if (status === undefined && isConnectionError(thrown)) {
    return new AgentError("MODEL_UNREACHABLE", {
      problem: `The model "${model}" did not answer.`,
      nextStep: "Check the model's base URL and that its server runs.",
    });
  }
  return new AgentError("MODEL_FAILED", {
    problem: `The model "${model}" failed${status === undefined ? "" : ` with ${status}`}: ${quote(failure.message)}`,
    nextStep: "Check that the model exists and can call tools, or choose another model.",
  });
}

/** A retry error holds the failure that ended it. */
function lastFailure(thrown: unknown): ApiFailure {
  const failure = thrown as Partial<ApiFailure> & { lastError?: unknown };
  if (failure.lastError !== undefined) return lastFailure(failure.lastError);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return typeof failure.statusCode === "number"
    ? { statusCode: failure.statusCode, message }
    : { message };
}

function isConnectionError(thrown: unknown): boolean {
  for (let at = thrown, depth = 0; at instanceof Error && depth < 6; depth += 1) {
    const { code, lastError } = at as { code?: unknown; lastError?: unknown };
    if (typeof code === "string" && /^(E[A-Z]+|UND_ERR_\w+)$/.test(code)) return true;
    if (/fetch failed|Cannot connect/.test(at.message)) return true;
    at = lastError ?? at.cause;
  }
  return false;
}

function quote(message: string): string {
  const clean = message.replace(/\b(sk|key|pk|Bearer)[-_ ][\w.*-]{6,}/gi, "[secret]");
  return JSON.stringify(clean.slice(0, 300));
}
