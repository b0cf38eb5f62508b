/**
 * What the project commands refuse, in the published codes of `stripe projects` where it has one, so that a skill written for that
 * knows what to do; and what an orchestrator's own codes become.
 */
import { type ErrorText, PurserError } from "../../protocol/error.ts";

export type ProjectErrorCode =
  // published
  | "BROWSER_AUTH_REQUIRED"
  | "BROWSER_AUTH_TIMEOUT"
  | "TOS_ACCEPTANCE_REQUIRED"
  | "PLAN_REQUIRED"
  | "PROVIDER_NOT_LINKED"
  | "JSON_REQUIRES_CONFIRMATION"
  | "NO_PROJECT_CONFIG"
  | "PROJECT_NOT_INITIALIZED"
  | "RESOURCE_NOT_FOUND"
  | "DIRECTORY_SELECTION_REQUIRED"
  | "MERCHANT_MISMATCH"
  | "UNKNOWN_ERROR"
  // our own
  | "ORCHESTRATOR_UNKNOWN"
  | "ORCHESTRATOR_UNREACHABLE"
  | "CONFIRMATION_DECLINED"
  | "PAYMENT_CONFIRMATION_REQUIRED"
  | "PAYMENT_METHOD_REQUIRED"
  | "PROVIDER_UNKNOWN"
  | "RESOURCE_AMBIGUOUS"
  | "SERVICE_CHOICE_REQUIRED"
  | "SERVICE_UNKNOWN"
  | "INFORMATION_REQUIRED"
  | "RENEWAL_NOT_NEEDED"
  | "CONFIG_INVALID"
  | "INPUT_INVALID"
  | "STATE_UNREADABLE"
  | "ENV_VALUE_UNWRITABLE"
  | "ENVIRONMENT_NOT_FOUND"
  | "ENVIRONMENT_EXISTS"
  | "ENVIRONMENT_OUTPUT_TAKEN"
  | "VALUE_REQUIRED"
  | "VARIABLE_UNKNOWN"
  | "AUTH_DECLINED"
  | "CONSENT_UNKNOWN"
  | "SCOPE_MISSING"
  | "NOT_SUPPORTED";

/** Commands in `nextSteps` are what to run next, for a program that follows them. */
export class ProjectError extends PurserError<ProjectErrorCode> {
  readonly nextSteps: readonly string[];

  constructor(code: ProjectErrorCode, text: ErrorText & { nextSteps?: readonly string[] }) {
    super(code, text);
    this.nextSteps = text.nextSteps ?? [];
  }
}

/** The command line is wrong, so nothing was asked of anybody: exit code 2. */
export const WRONG_USAGE: ReadonlySet<string> = new Set([
  "CONFIG_INVALID",
  "NO_PROJECT_CONFIG",
  "RESOURCE_AMBIGUOUS",
]);

const PUBLISHED: Readonly<Record<string, ProjectErrorCode>> = {
  SESSION_REQUIRED: "BROWSER_AUTH_REQUIRED",
  SESSION_EXPIRED: "BROWSER_AUTH_REQUIRED",
  TOKEN_REQUIRED: "BROWSER_AUTH_REQUIRED",
  TOKEN_UNKNOWN: "BROWSER_AUTH_REQUIRED",
  TOKEN_EXPIRED: "BROWSER_AUTH_REQUIRED",
  TOKEN_REVOKED: "BROWSER_AUTH_REQUIRED",
  NOT_CONNECTED: "PROVIDER_NOT_LINKED",
  PROJECT_UNKNOWN: "MERCHANT_MISMATCH",
  RESOURCE_UNKNOWN: "RESOURCE_NOT_FOUND",
  INTERNAL: "UNKNOWN_ERROR",
};

/** The code by which a skill knows it. */
export function publishedCode(code: string): string {
  return PUBLISHED[code] ?? code;
}
