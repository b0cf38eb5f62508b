/** What an MPP buyer is told when its credential is not taken: RFC 9457, with a type of the registry. */
import type { MppProblem } from "./mpp-challenge.ts";

const PROBLEM_TYPE = "application/problem+json";

const TITLES: Readonly<Record<MppProblem, string>> = {
  "payment-required": "Payment Required",
  "payment-insufficient": "Payment Insufficient",
  "payment-expired": "Payment Expired",
  "verification-failed": "Verification Failed",
  "malformed-credential": "Malformed Credential",
  "invalid-challenge": "Invalid Challenge",
  "method-unsupported": "Method Unsupported",
};

export interface ProblemAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: unknown;
}

/** The answer's status and body; `detail` is a code or a sentence of ours, never a facilitator's text. */
export function problemOf(problem: MppProblem, detail: string): ProblemAnswer {
  const status = problem === "method-unsupported" ? 400 : 402;
  const type = `https://paymentauth.org/problems/${problem}`;
  return {
    status,
    contentType: PROBLEM_TYPE,
    body: { type, title: TITLES[problem], status, detail },
  };
}
