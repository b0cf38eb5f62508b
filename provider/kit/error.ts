/**
 * A provider's refusals. Each has a stable code; the protocol puts it in one of three envelopes, chosen by the endpoint
 * (APP 0.1d): flat for signature and version, typed for account requests, with a status for resources.
 */
import type { Response } from "express";
import { PurserError } from "../../protocol/index.ts";
import { tellAuthor } from "./tell-author.ts";

export type ProvisioningErrorCode =
  | "invalid_api_version"
  | "invalid_signature"
  | "invalid_request"
  | "account_request_expired"
  | "unauthorized"
  | "forbidden"
  | "assertion_invalid"
  | "email_not_verified"
  /** The user must sign in with the orchestrator again. */
  | "reauthentication_required"
  | "mandate_invalid"
  | "mandate_expired"
  | "spend_limit_exceeded"
  | "tos_acceptance_required"
  /** The owner has declined the account request. */
  | "access_denied"
  | "unknown_service"
  | "not_for_resources"
  | "invalid_configuration"
  | "idempotency_key_missing"
  | "idempotency_conflict"
  | "not_found"
  /** The token may not do this. */
  | "insufficient_scope"
  /** An account request asks for what there is not. */
  | "invalid_scope"
  /** It cannot be sold: it is taken, or gone. A buyer looks elsewhere. */
  | "unavailable"
  /** This provider has no such thing: no rotation, no adoption, no such link. */
  | "not_supported"
  /** What costs money names a quote. */
  | "quote_required"
  /** What costs money is paid by a token that this provider cannot redeem. */
  | "requires_payment_credentials"
  /** The provider's own price function asks what its catalog does not say. */
  | "price_not_in_catalog"
  | "quote_unknown"
  | "quote_expired"
  /** The quote is for another order, or its hash is another quote's. */
  | "quote_mismatch"
  /** The quote has bought something already. */
  | "quote_used"
  /** Another payment is buying it, or has bought it. */
  | "already_ordered"
  | "update_not_allowed"
  /** The service is a part of plans, and the project has none of them. */
  | "plan_required"
  /** The resource is not in a state for this. */
  | "invalid_state"
  | "server_error";

const STATUS: Record<ProvisioningErrorCode, number> = {
  invalid_api_version: 400,
  invalid_signature: 401,
  invalid_request: 400,
  account_request_expired: 400,
  unauthorized: 401,
  forbidden: 403,
  assertion_invalid: 403,
  email_not_verified: 403,
  reauthentication_required: 403,
  mandate_invalid: 403,
  mandate_expired: 403,
  spend_limit_exceeded: 403,
  tos_acceptance_required: 403,
  access_denied: 403,
  unknown_service: 404,
  not_for_resources: 400,
  invalid_configuration: 400,
  idempotency_key_missing: 400,
  idempotency_conflict: 422,
  not_found: 404,
  insufficient_scope: 403,
  invalid_scope: 400,
  unavailable: 409,
  not_supported: 400,
  requires_payment_credentials: 400,
  quote_required: 400,
  price_not_in_catalog: 409,
  quote_unknown: 404,
  quote_expired: 409,
  quote_mismatch: 409,
  quote_used: 409,
  already_ordered: 409,
  update_not_allowed: 409,
  plan_required: 409,
  invalid_state: 409,
  server_error: 500,
};

export class ProvisioningError extends PurserError<ProvisioningErrorCode> {
  get status(): number {
    return STATUS[this.code];
  }
}

/** Puts an error's part into the body that an endpoint's protocol wants. */
export type Envelope = (part: ErrorPart) => object;

interface ErrorPart {
  code: string;
  message: string;
  [fact: string]: string;
}

export const ENVELOPES = {
  flat: (error) => ({ error }),
  typed: (error) => ({ type: "error", error }),
  status: (error) => ({ status: "error", error }),
} as const satisfies Record<string, Envelope>;

/** Answers with the error; what is not a refusal of ours becomes `server_error`, without its text, and a warning to the author. */
export function sendError(response: Response, error: unknown, envelope: Envelope): void {
  const { status, body } = describeError(error, envelope);
  response.status(status).json(body);
}

/** The same as a value, for a route that answers by itself. */
export function describeError(
  error: unknown,
  envelope: Envelope,
): { status: number; body: object } {
  const known = error instanceof ProvisioningError ? error : unexpected(error);
  return { status: known.status, body: envelope(errorPart(known)) };
}

/** The error as the protocol writes it: a code, a message for people, and its facts. */
export function errorPart({ code, problem, nextStep, details }: PurserError): ErrorPart {
  return { ...details, code, message: `${problem} ${nextStep}` };
}

function unexpected(error: unknown): ProvisioningError {
  const { type, status } = (error ?? {}) as { type?: unknown; status?: unknown };
  if (typeof type === "string" && typeof status === "number" && status < 500) {
    return new ProvisioningError("invalid_request", {
      problem: `The request's body cannot be read (${type}).`,
      nextStep: "Send JSON of less than a megabyte.",
      cause: error,
    });
  }
  tellAuthor(error);
  return new ProvisioningError("server_error", {
    problem: "The provider failed.",
    nextStep: "Try again; a repeated request is not done twice.",
    cause: error,
  });
}
