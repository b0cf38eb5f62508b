/** Tells "the chain did not answer" from "the chain said no": only the second is an answer. */
import { BaseError, HttpRequestError, TimeoutError } from "viem";
import { ChainError } from "../chain/index.ts";

export function isTransportError(error: unknown): boolean {
  if (error instanceof ChainError) return error.code === "CHAIN_UNREACHABLE";
  return hasCause(
    error,
    (cause) => cause instanceof HttpRequestError || cause instanceof TimeoutError,
  );
}

/** Whether the error, or one that caused it, is of a kind. */
function hasCause(error: unknown, isKind: (cause: unknown) => boolean): boolean {
  return error instanceof BaseError ? error.walk(isKind) !== null : isKind(error);
}
