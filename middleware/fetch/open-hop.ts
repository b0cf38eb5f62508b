/** One request without a payment, until its headers are there; what fails on the way is told apart from what was refused. */
import { PurserError } from "../../protocol/error.ts";
import { PaymentError } from "../payment-error.ts";
import type { ReadRequest } from "./read-request.ts";
import type { Hop } from "./unpaid-walk.ts";

export interface OpenHopOptions {
  readonly hop: Hop;
  readonly request: Pick<ReadRequest, "signal">;
  readonly fetch: typeof globalThis.fetch;
  /** Until the headers are there, and the body too where the caller reads it before `close`. */
  readonly timeoutMs: number | undefined;
}

export interface OpenHop {
  readonly response: Response;
  /** Ends the timeout: from here on the answer may take as long as it likes. */
  readonly close: () => void;
}

/** Throws the signal's own reason, or `PROVIDER_UNREACHABLE`, `ANSWER_UNREADABLE`, `ADDRESS_NOT_ALLOWED`. */
export async function openHop({
  hop,
  request: { signal },
  fetch,
  timeoutMs = 30_000,
}: OpenHopOptions): Promise<OpenHop> {
  const { method, url, headers, body, stream } = hop;
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeoutMs);
  const close = () => clearTimeout(timer);
  try {
    const response = await fetch(url, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(stream === undefined ? {} : { body: stream, duplex: "half" }),
      redirect: "manual",
      signal: signal ? AbortSignal.any([signal, timeout.signal]) : timeout.signal,
    });
    return { response, close };
  } catch (cause) {
    close();
    signal?.throwIfAborted();
    throw refused(url, cause);
  }
}

function refused(url: string, cause: unknown): PurserError {
  for (let error = cause; error instanceof Error; error = error.cause) {
    if (error instanceof PurserError) return error;
    if ("code" in error && /HEADERS?_OVERFLOW/.test(String(error.code))) {
      return new PaymentError("ANSWER_UNREADABLE", {
        problem: `The headers of the answer from ${url} are too large.`,
        nextStep: "Nothing was paid. Treat the answer as a failure.",
        cause,
      });
    }
  }
  return new PaymentError("PROVIDER_UNREACHABLE", {
    problem: `${url} did not answer.`,
    nextStep: "Nothing was paid. Try again later, or choose another provider.",
    cause,
  });
}
