/** How the program ends: the exit codes, and which error leads to which. */
import { type ErrorBody, PurserError, toErrorBody } from "../protocol/error.ts";

export const EXIT = {
  /** Passed; also where refusing was right. */
  passed: 0,
  notPassed: 1,
  /** The command line or a file of the user's is wrong; nothing was started. */
  usage: 2,
  /** The world could not start. */
  world: 3,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export type UsageErrorCode =
  | "USAGE"
  | "BUDGET_INVALID"
  | "ADDRESS_INVALID"
  | "URL_INVALID"
  | "COUNT_INVALID"
  | "KEY_INVALID"
  | "MAINNET_NOT_ALLOWED";

/** The user can mend it on the command line; nothing was started. */
export class UsageError extends PurserError<UsageErrorCode> {}

/** A test that could not be made: no finding, which is what exit code 1 says. */
export class ToolError extends Error {}

/** An ended command: what to print as JSON, and the exit code. */
export interface Ended {
  code: ExitCode;
  error: ErrorBody;
}

/** Errors of which the user's own input is the cause, whoever noticed. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  "SCENARIO_UNREADABLE",
  "SCENARIO_INVALID",
  "SCENARIO_EXISTS",
  "MODEL_UNKNOWN",
  "MODEL_KEY_MISSING",
  "MODEL_INVALID",
  "RECORD_EXISTS",
  "RECORD_UNWRITABLE",
  "RESUME_UNKNOWN",
  "RESUME_DIFFERS",
  "FILES_UNREADABLE",
  "WORLD_DIFFERS",
  "CHECK_TARGET_INVALID",
  "CHECK_TARGET_PRIVATE",
  "CHECK_TARGET_UNREACHABLE",
  "CHECK_PLAN_INVALID",
  "CHECK_MAINNET",
  "CHECK_FILE_INVALID",
  "NETWORK_UNKNOWN",
  "ASSET_UNSUPPORTED",
  "MAINNET_NOT_ALLOWED",
  "FACILITATOR_IN_USE",
  "PORT_UNAVAILABLE",
  "WALLET_RESTORED",
]);

export function endedBy(error: unknown): Ended {
  if (error instanceof ToolError) return { code: EXIT.world, error: toErrorBody(error.cause) };
  const body = toErrorBody(error);
  if (error instanceof UsageError || USAGE_CODES.has(body.code)) {
    return { code: EXIT.usage, error: body };
  }
  if (body.code.startsWith("WORLD_") && body.code !== "WORLD_INTERRUPTED")
    return { code: EXIT.world, error: body };
  return { code: EXIT.notPassed, error: body };
}
