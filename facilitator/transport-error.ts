/** Tells "the chain did not answer" from "the chain said no": only the second is an answer. */
import { BaseError, HttpRequestError, TimeoutError } from "viem";

export function isTransportError(error: unknown): boolean {
  return hasCause(
    error,
    (cause) => cause instanceof HttpRequestError || cause instanceof TimeoutError,
  );
}

/** Whether the error, or one that caused it, is of a kind. */
export function hasCause(error: unknown, isKind: (cause: unknown) => boolean): boolean {
  return error instanceof BaseError ? error.walk(isKind) !== null : isKind(error);
}
