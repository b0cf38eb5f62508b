/** The envelope of every v4 answer: `{ success, errors, messages, result }`. */
import type { ErrorRequestHandler, Request, RequestHandler, Response } from "express";
import { PurserError } from "../../protocol/index.ts";
import type { PaywallAnswer } from "../../middleware/index.ts";
import { errorPart, ProvisioningError } from "../kit/error.ts";
import { CLOUDFLARE_ERRORS, CloudflareError, type CloudflareErrorCode } from "./error.ts";

/** The body of an answer that went well. */
export function success(result: unknown, resultInfo?: object): object {
  const info = resultInfo === undefined ? {} : { result_info: resultInfo };
  return { success: true, errors: [], messages: [], result, ...info };
}

/** An endpoint that answers with what `work` resolves to, in the envelope. */
export function endpoint(
  work: (request: Request, response: Response) => unknown,
  status = 200,
): RequestHandler {
  return async (request, response) => {
    const result = await work(request, response);
    if (!response.headersSent) response.status(status).json(success(result));
  };
}

/** Any refusal as an answer. What is not ours becomes a server error without its text. */
export function failure(error: unknown): PaywallAnswer {
  const known = refusalOf(error);
  const { number, status } = CLOUDFLARE_ERRORS[known.code];
  const { code, ...part } = errorPart(
    known.cause instanceof ProvisioningError ? known.cause : known,
  );
  return {
    status,
    body: {
      success: false,
      errors: [{ code: number, message: part.message }],
      messages: [],
      result: null,
      // Ours: a word to switch on, and the facts.
      error: { code, ...part },
    },
  };
}

/** Express knows an error handler by its four parameters. */
export const sendFailure: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) return next(error);
  const { status, body } = failure(error);
  response.status(status).json(body);
};

function refusalOf(error: unknown): CloudflareError {
  if (error instanceof CloudflareError) return error;
  if (error instanceof ProvisioningError) return as(PROVISIONING[error.code] ?? "FORBIDDEN", error);
  const { type, status } = (error ?? {}) as { type?: unknown; status?: unknown };
  if (typeof type === "string" && typeof status === "number" && status < 500) {
    return new CloudflareError("BODY_INVALID", {
      problem: `The request's body cannot be read (${type}).`,
      nextStep: "Send what the endpoint takes.",
    });
  }
  return new CloudflareError("SERVER_ERROR", {
    problem: "The provider failed.",
    nextStep: "Try again.",
    cause: error,
  });
}

const PROVISIONING: Partial<Record<string, CloudflareErrorCode>> = {
  unauthorized: "AUTHENTICATION",
  spend_limit_exceeded: "CHARGE_REFUSED",
  mandate_expired: "CHARGE_REFUSED",
  mandate_invalid: "CHARGE_REFUSED",
};

function as(code: CloudflareErrorCode, cause: PurserError): CloudflareError {
  return new CloudflareError(code, { problem: cause.problem, nextStep: cause.nextStep, cause });
}
