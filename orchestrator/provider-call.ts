/**
 * One HTTP call to a provider. A stranger answers, so there is a time limit, a size limit, no redirect is followed (it could
 * lead the credentials elsewhere), and the answer is JSON or it is refused.
 */
import { OrchestratorError } from "./error.ts";

export interface ProviderCall {
  method: "GET" | "POST";
  url: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
}

export interface ProviderAnswer {
  status: number;
  /** The parsed body; undefined when it is empty, or an error's page in something else than JSON. */
  body: unknown;
}

export interface ProviderCallOptions {
  fetch: typeof globalThis.fetch;
  timeoutMs: number;
}

const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** Calls, or throws `PROVIDER_UNAVAILABLE` (no answer, or 5xx without one of its errors) or `PROVIDER_INVALID`. */
export async function callProvider(
  { method, url, headers, body }: ProviderCall,
  { fetch, timeoutMs }: ProviderCallOptions,
): Promise<ProviderAnswer> {
  let answer: { status: number; text: string | undefined };
  try {
    const response = await fetch(url, {
      method,
      headers: { accept: "application/json", ...headers },
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body }),
    });
    answer = { status: response.status, text: await readText(response) };
  } catch (cause) {
    throw new OrchestratorError("PROVIDER_UNAVAILABLE", {
      problem:
        reason(cause) === "TimeoutError"
          ? `${method} ${url} got no answer within ${timeoutMs / 1000} seconds.`
          : `${method} ${url} could not be reached (${reason(cause)}).`,
      nextStep: "Try again later; the same call can be repeated without harm.",
      cause,
    });
  }
  const { status, text } = answer;
  if (status >= 300 && status < 400) throw invalid(`${method} ${url} redirects elsewhere.`);
  if (text === undefined)
    throw invalid(`${method} ${url} answers with more than ${MAX_BODY_BYTES} bytes.`);
  return { status, body: parse(text, `${method} ${url}`, status) };
}

/** Makes a call that may be made twice once more where no answer came, or a 5xx in its place. `again`: the first may have been heard. */
export async function callTwice(
  call: () => Promise<ProviderAnswer>,
): Promise<ProviderAnswer & { again: boolean }> {
  const first = await call().catch((error: unknown) => {
    if (error instanceof OrchestratorError && error.code === "PROVIDER_UNAVAILABLE")
      return undefined;
    throw error;
  });
  if (first && first.status < 500) return { ...first, again: false };
  return { ...(await call()), again: true };
}

/** The provider does not speak the protocol. */
export function invalid(problem: string, cause?: unknown): OrchestratorError {
  return new OrchestratorError("PROVIDER_INVALID", {
    problem,
    nextStep: "Tell the provider, and use another one meanwhile.",
    cause,
  });
}

/** The body's text, or undefined when it is larger than allowed. */
async function readText(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string, what: string, status: number): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (status >= 400) return undefined;
    throw invalid(`${what} answers ${status} with a body that is not JSON.`, cause);
  }
}

/** The name of a network failure, such as ECONNREFUSED or TimeoutError: never its text, which may quote headers. */
function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return "unknown";
  const { code } = (cause.cause ?? cause) as { code?: unknown };
  return typeof code === "string" ? code : cause.name;
}
