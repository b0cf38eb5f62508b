/**
 * Every error that a caller can act on: a stable code to switch on, what is wrong, and what to do next.
 * Nothing secret ever enters one (no key, no signature, no token), because errors are printed, logged and sent.
 */
export interface ErrorText {
  /** One sentence: what is wrong, with the values that failed. */
  problem: string;
  /** One sentence: what the reader can do about it. */
  nextStep: string;
  /** Further facts for a program, such as `{ cap: "100.00", spent: "99.00" }`. */
  details?: Record<string, string> | undefined;
  cause?: unknown;
}

/** The error's form in JSON, on the wire and in reports. */
export interface ErrorBody {
  code: string;
  problem: string;
  nextStep: string;
  details?: Record<string, string>;
}

/** Switch on `code`, never on the message. */
export class PurserError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly problem: string;
  readonly nextStep: string;
  readonly details: Record<string, string> | undefined;

  constructor(code: Code, { problem, nextStep, details, cause }: ErrorText) {
    super(`${code}: ${problem} ${nextStep}`, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.problem = problem;
    this.nextStep = nextStep;
    this.details = details;
  }

  toJSON(): ErrorBody {
    const { code, problem, nextStep, details } = this;
    return details ? { code, problem, nextStep, details } : { code, problem, nextStep };
  }
}

/** Any thrown value as an `ErrorBody`; what is not ours becomes `INTERNAL`, with its message and no stack. */
export function toErrorBody(error: unknown): ErrorBody {
  if (error instanceof PurserError) return error.toJSON();
  const problem = error instanceof Error ? error.message : String(error);
  return {
    code: "INTERNAL",
    problem,
    nextStep: "This is a bug: please report it with the run's folder.",
  };
}
