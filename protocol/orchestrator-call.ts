/**
 * One call of the orchestrator's HTTP API, with whoever's token. The answer is checked against its schema, an error becomes a
 * `PurserError` with the orchestrator's own code, and the token never leaves the header it travels in.
 */
import { z } from "zod";
import { parseJson, readBody } from "./bounded-body.ts";
import { PurserError } from "./error.ts";
import type { Secret } from "./secret.ts";

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export interface OrchestratorClientOptions {
  url: string;
  /** A run's capability token, or a person's session token. */
  token: Secret;
  fetch: typeof fetch;
  /** Ends every call; a call that asks the human may take as long as the run. */
  signal: AbortSignal;
  /** Of a GET. */
  timeoutMs?: number;
  /** Of every other call; none by default, as an agent's call may wait for a person as long as the run. */
  changeTimeoutMs?: number;
}

export interface OrchestratorCall<T> {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Such as "/v1/catalog". */
  path: string;
  answer: z.ZodType<T>;
  body?: unknown;
}

/** An answer and its `ETag`; undefined where it is still the one that the caller has. */
export interface Tagged<T> {
  answer: T;
  etag: string | undefined;
}

export type OrchestratorClientErrorCode =
  | "ORCHESTRATOR_UNREACHABLE"
  | "ORCHESTRATOR_ANSWER_INVALID";

export class OrchestratorClientError extends PurserError<OrchestratorClientErrorCode> {}

const Failure = z.looseObject({
  error: z.looseObject({
    code: z.string().max(100),
    problem: z.string().max(2000),
    nextStep: z.string().max(2000),
    details: z.record(z.string(), z.string()).optional(),
  }),
});

/** Makes the call, or throws the orchestrator's error, `ORCHESTRATOR_UNREACHABLE` or `ORCHESTRATOR_ANSWER_INVALID`. */
export async function callOrchestrator<T>(
  call: OrchestratorCall<T>,
  options: OrchestratorClientOptions,
): Promise<T> {
  const { response, text } = await exchange(call, options);
  return readAnswer(call, response, text);
}

/** Reads what may have changed since the answer with that `ETag`; undefined where it has not (304). Throws as `callOrchestrator` does. */
export async function readIfChanged<T>(
  call: OrchestratorCall<T> & { etag: string | undefined },
  options: OrchestratorClientOptions,
): Promise<Tagged<T> | undefined> {
  const { response, text } = await exchange(call, options);
  if (call.etag !== undefined && response.status === 304) return undefined;
  return {
    answer: readAnswer(call, response, text),
    etag: response.headers.get("etag") ?? undefined,
  };
}

async function exchange(
  { method, path, body, etag }: OrchestratorCall<unknown> & { etag?: string | undefined },
  { url, token, fetch, signal, timeoutMs = 30_000, changeTimeoutMs }: OrchestratorClientOptions,
): Promise<{ response: Response; text: string }> {
  const limitMs = method === "GET" ? timeoutMs : changeTimeoutMs;
  const lost = (cause: unknown) => {
    signal.throwIfAborted();
    if (cause instanceof PurserError) return cause;
    return new OrchestratorClientError("ORCHESTRATOR_UNREACHABLE", {
      problem: `The orchestrator did not answer ${method} ${path}.`,
      nextStep: "See that the orchestrator is up, and make the same call again.",
      cause,
    });
  };
  const response = await fetch(url.replace(/\/$/, "") + path, {
    method,
    headers: {
      authorization: `Bearer ${token.reveal()}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(etag === undefined ? {} : { "if-none-match": etag }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: "error",
    signal:
      limitMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
  }).catch((cause: unknown) => {
    throw lost(cause);
  });
  const text = await readBody(response, MAX_ANSWER_BYTES).catch((cause: unknown) => {
    throw lost(cause);
  });
  return { response, text };
}

function readAnswer<T>(
  { method, path, answer: schema }: OrchestratorCall<T>,
  response: Response,
  text: string,
): T {
  const answer = parseJson(text);
  if (response.ok) {
    const { data, error } = schema.safeParse(answer);
    if (data !== undefined) return data;
    throw invalid(`${method} ${path} answered something else than the protocol says`, error);
  }
  const failure = Failure.safeParse(answer).data?.error;
  if (failure) throw new PurserError(failure.code, failure);
  throw invalid(`${method} ${path} answered ${response.status} without an error's text`);
}

function invalid(problem: string, cause?: unknown): OrchestratorClientError {
  return new OrchestratorClientError("ORCHESTRATOR_ANSWER_INVALID", {
    problem: `The orchestrator's ${problem}.`,
    nextStep: "See that both sides are of the same version.",
    cause,
  });
}
