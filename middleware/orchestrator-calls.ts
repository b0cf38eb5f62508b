/**
 * Calls to an orchestrator with a run's capability token. Each may be repeated, so one whose answer was lost is made again; an answer
 * is believed when it has the shape that the API gives it, and a refusal comes back with the orchestrator's own code.
 */
import { z } from "zod";
import { PurserError } from "../protocol/error.ts";
import type { Secret } from "../protocol/secret.ts";
import { PaymentError } from "./payment-error.ts";

export interface OrchestratorCallsOptions {
  readonly orchestratorUrl: string;
  /** The run's capability token. */
  readonly token: Secret;
  readonly fetch?: typeof globalThis.fetch;
  /** Of each attempt. */
  readonly timeoutMs?: number;
}

export interface OrchestratorCall<T> {
  readonly method: "GET" | "POST" | "DELETE";
  /** Such as "/v1/purchases". */
  readonly path: string;
  readonly body?: unknown;
  readonly answer: z.ZodType<T>;
}

/** The answer; undefined for a GET that finds nothing (404). Throws `WALLET_UNREACHABLE`, or the orchestrator's own refusal. */
export type CallOrchestrator = <T>(call: OrchestratorCall<T>) => Promise<T | undefined>;

const Refusal = z.object({
  error: z.object({
    code: z.string().max(100),
    problem: z.string().max(2000),
    nextStep: z.string().max(2000),
    details: z.record(z.string(), z.string()).optional(),
  }),
});

/** How often a call is made before the orchestrator counts as unreachable. */
const ATTEMPTS = 2;

export function orchestratorCalls(options: OrchestratorCallsOptions): CallOrchestrator {
  return async ({ answer, ...call }) => {
    const response = await attempt(options, call);
    const text: unknown = await response.json().catch(() => undefined);
    const read = response.ok ? answer.safeParse(text).data : undefined;
    if (read !== undefined) return read;
    if (response.status === 404 && call.method === "GET") return undefined;
    const refusal = Refusal.safeParse(text).data?.error;
    if (refusal) throw new PurserError(refusal.code, refusal);
    throw unreachable(`it answered with status ${response.status} and nothing that can be read`);
  };
}

async function attempt(
  {
    orchestratorUrl,
    token,
    fetch = globalThis.fetch,
    timeoutMs = 15_000,
  }: OrchestratorCallsOptions,
  { method, path, body }: Omit<OrchestratorCall<unknown>, "answer">,
): Promise<Response> {
  for (let left = ATTEMPTS - 1; ; left -= 1) {
    try {
      return await fetch(orchestratorUrl.replace(/\/$/, "") + path, {
        method,
        redirect: "error",
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          authorization: `Bearer ${token.reveal()}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (cause) {
      if (left === 0) throw unreachable("it did not answer", cause);
    }
  }
}

export function unreachable(reason: string, cause?: unknown): PaymentError {
  return new PaymentError("WALLET_UNREACHABLE", {
    problem: `The wallet cannot be reached: ${reason}.`,
    nextStep: "Ask for the same purchase again when it is back; what was reserved waits there.",
    cause,
  });
}
