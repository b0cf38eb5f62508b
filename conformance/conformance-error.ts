/** Why a test could not be made at all. What is wrong with an endpoint is a verdict, never one of these. */
import { PurserError } from "../protocol/error.ts";

export type ConformanceErrorCode =
  /** The URL, a header, or a filter cannot be read. */
  | "CHECK_TARGET_INVALID"
  /** A private network, without leave. */
  | "CHECK_TARGET_PRIVATE"
  | "CHECK_TARGET_UNREACHABLE"
  /** Filters that leave nothing, or a ring that lacks what it needs. */
  | "CHECK_PLAN_INVALID"
  /** A port for the tester's own servers. */
  | "CHECK_PORT_TAKEN"
  /** The command that starts the server under test ends, or nothing answers. */
  | "CHECK_SERVE_FAILED"
  /** Real money, without leave. */
  | "CHECK_MAINNET"
  /** A baseline or an earlier report cannot be read. */
  | "CHECK_FILE_INVALID";

export class ConformanceError extends PurserError<ConformanceErrorCode> {}
