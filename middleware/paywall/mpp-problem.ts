/** What an MPP buyer is told when its credential is not taken: RFC 9457, with a type of the registry. */
import type { Response } from "express";
import type { MppProblem } from "./mpp-check.ts";

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

/** `detail` is a code or a sentence of ours, never a facilitator's text. */
export function sendProblem(response: Response, problem: MppProblem, detail: string): void {
  const status = problem === "method-unsupported" ? 400 : 402;
  const type = `https://paymentauth.org/problems/${problem}`;
  response.statusCode = status;
  response.setHeader("Content-Type", PROBLEM_TYPE);
  response.end(JSON.stringify({ type, title: TITLES[problem], status, detail }));
}
