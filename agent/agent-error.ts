/**
 * What can go wrong between an agent and the world: its model, its tools, its record. A tool's error is shown to the model,
 * so a next step here is written for whoever can act on it, model or person.
 */
import { PurserError } from "../protocol/index.ts";

export type AgentErrorCode =
  // the model
  | "MODEL_UNKNOWN"
  | "MODEL_KEY_MISSING"
  | "MODEL_KEY_REFUSED"
  | "MODEL_BUSY"
  | "MODEL_UNREACHABLE"
  | "MODEL_FAILED"
  // the run
  | "RUN_TIMEOUT"
  | "RUN_CANCELLED"
  | "RUN_UNFINISHED"
  | "PROJECT_MISSING"
  | "TRACE_UNREADABLE"
  // the providers
  | "PROVIDER_UNREACHABLE"
  | "PROVIDER_REFUSED"
  | "PROVIDER_ANSWER_INVALID"
  // buying
  | "SERVICE_NOT_ADDED"
  | "SERVICE_PENDING"
  | "PAYMENT_UNKNOWN"
  | "PAID_NOT_DELIVERED"
  // sites
  | "SOURCE_MISSING"
  | "SOURCE_TOO_LARGE"
  | "BINDING_UNKNOWN"
  | "WORKSPACE_MISSING"
  | "FOLDER_REFUSED"
  | "FOLDER_UNREADABLE"
  | "FOLDER_TOO_LARGE"
  | "URL_REFUSED"
  | "SITE_UNREACHABLE"
  | "NOT_DEPLOYED"
  | "NOT_LIVE"
  | "TOO_MANY_QUESTIONS";

export class AgentError extends PurserError<AgentErrorCode> {}
