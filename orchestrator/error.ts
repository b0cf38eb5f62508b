/**
 * What the orchestrator refuses, and the HTTP status that each refusal travels with. Agents switch on the code; the status is
 * for proxies and people. No refusal is a 402, so that a paying client never takes one for a price.
 */
import { PurserError } from "../protocol/index.ts";

/** Codes of the orchestrator's own errors, with the status of each. */
const STATUS = {
  TOKEN_REQUIRED: 401,
  TOKEN_UNKNOWN: 401,
  TOKEN_EXPIRED: 401,
  TOKEN_REVOKED: 401,
  REQUEST_INVALID: 400,
  REQUEST_TOO_LARGE: 413,
  CALL_UNKNOWN: 404,
  USER_REQUIRED: 400,
  SESSION_REQUIRED: 401,
  SESSION_EXPIRED: 401,
  SIGN_IN_INVALID: 403,
  CROSS_SITE: 403,
  NOT_BUILT: 501,
  NOT_ALLOWED: 403,
  TOS_ACCEPTANCE_REQUIRED: 403,
  RESOURCE_NOT_FOUND: 404,
  CONFIRMATION_REQUIRED: 403,
  PAYMENT_CONFIRMATION_REQUIRED: 403,
  PLAN_REQUIRED: 409,
  PROVIDER_NOT_LINKED: 409,
  AGENT_NOT_ADMITTED: 403,
  SCOPE_MISSING: 403,
  CONSENT_UNKNOWN: 404,
  QUOTE_UNKNOWN: 404,
  QUOTE_MISMATCH: 409,
  QUOTE_EXPIRED: 409,
  QUOTE_ABOVE_CATALOG: 403,
  UPDATE_NOT_ALLOWED: 409,
  INVALID_STATE: 409,
  PAID_UNDELIVERED: 502,
  PAYMENT_OPEN: 502,
  PROJECT_UNKNOWN: 404,
  RUN_UNKNOWN: 404,
  DELEGATION_WIDER: 403,
  DELEGATION_LIMIT: 403,
  PROVIDER_URL_INVALID: 400,
  PROVIDER_UNKNOWN: 404,
  PROVIDER_NOT_ALLOWED: 403,
  PROVIDER_UNAVAILABLE: 502,
  PROVIDER_INVALID: 502,
  PROVIDER_REFUSED: 403,
  EMAIL_UNVERIFIED: 403,
  REAUTHENTICATION_REQUIRED: 403,
  TERMS_DECLINED: 403,
  CONSENT_REQUIRED: 403,
  CONSENT_DECLINED: 403,
  HUMAN_UNAVAILABLE: 503,
  PAYMENT_METHOD_REQUIRED: 403,
  NOT_CONNECTED: 409,
  CREDENTIAL_UNKNOWN: 404,
  VARIABLE_UNKNOWN: 404,
  VAULT_UNREADABLE: 503,
  VAULT_CHANGED: 503,
  IDEMPOTENCY_CONFLICT: 409,
  BOUGHT_AT_PROVIDER: 409,
  INPUT_INVALID: 400,
  ACCOUNT_MISMATCH: 403,
  NOT_FOR_SALE: 400,
  PURCHASE_UNKNOWN: 404,
  PORT_UNAVAILABLE: 500,
} as const;

export type OrchestratorErrorCode = keyof typeof STATUS;

export class OrchestratorError extends PurserError<OrchestratorErrorCode> {}

/** Statuses of the errors that other parts raise on the way. */
const OTHERS: Readonly<Record<string, number>> = {
  SERVICE_UNKNOWN: 404,
  OPERATION_UNKNOWN: 404,
  INPUT_MISSING: 400,
  PRICE_UNKNOWN: 400,
  AMOUNT_INVALID: 400,
  CHALLENGE_INVALID: 400,
  CHALLENGE_TOO_LARGE: 400,
  PURCHASE_CONFLICT: 409,
  PURCHASE_IN_PROGRESS: 409,
  PAYMENT_EXPIRED: 409,
  BUDGET_EXCEEDED: 403,
  CAP_EXCEEDED: 403,
  SIGNER_FAILED: 500,
  CHAIN_UNREACHABLE: 503,
  LEDGER_MISMATCH: 503,
  INTERNAL: 500,
};

/** The status for an error's code: a refusal that has none of its own (such as `OFFER_PRICE`) is a 403. */
export function statusOf(code: string): number {
  const statuses: Readonly<Record<string, number>> = { ...OTHERS, ...STATUS };
  return statuses[code] ?? (code.endsWith("_UNREADABLE") || code.endsWith("_BUSY") ? 503 : 403);
}
