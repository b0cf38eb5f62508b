/**
 * A call of the agent to a provider's own API: an operation of the catalog, made with the account's token. The URL comes from
 * the catalog and the typed inputs alone; an answer that points elsewhere is a failure, so a token never follows a redirect.
 */
import {
  buildRequest,
  type CatalogProvider,
  parseJson,
  PurserError,
  readBody,
  readReturns,
  type Service,
} from "../protocol/index.ts";
import { AgentError } from "./agent-error.ts";
import type { Session } from "./session.ts";

const MAX_ANSWER_BYTES = 1024 * 1024;
const TIMEOUT_MS = 60_000;

export interface ProviderCall {
  provider: CatalogProvider;
  service: Service;
  operation: string;
  inputs: Readonly<Record<string, string>>;
  /** Replaces the body of the catalog, for an upload. */
  upload?: FormData;
}

/** Makes the call and gives the results that the catalog says the answer holds. */
export async function callProvider(
  session: Session,
  call: ProviderCall,
): Promise<Record<string, unknown>> {
  const provider = call.provider.profile.id;
  let { id, token } = await session.account(provider);
  let response = await send(session, call, id, token.reveal());
  if (response.status === 401) {
    // The token may have expired; the orchestrator renews it.
    await response.body?.cancel();
    ({ id, token } = await session.account(provider, { fresh: true }));
    response = await send(session, call, id, token.reveal());
  }
  return readAnswer(call, response);
}

async function send(
  session: Session,
  { upload, ...call }: ProviderCall,
  accountId: string,
  token: string,
): Promise<Response> {
  const { fetch, signal } = session.options;
  const inputs = { ...call.inputs, account_id: accountId };
  const { method, url, body } = buildRequest({ ...call, inputs });
  return fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(upload || body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(upload ? { body: upload } : body === undefined ? {} : { body }),
    redirect: "manual",
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  }).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new AgentError("PROVIDER_UNREACHABLE", {
      problem: `${call.provider.profile.id} did not answer "${call.operation}".`,
      nextStep: "Try once more; if it stays so, finish and say that the provider is down.",
      cause,
    });
  });
}

/** The results in an answer, or the provider's refusal as an error. */
export async function readAnswer(
  { provider, service, operation }: Pick<ProviderCall, "provider" | "service" | "operation">,
  response: Response,
): Promise<Record<string, unknown>> {
  const answer = parseJson(await readBody(response, MAX_ANSWER_BYTES));
  if (!response.ok) throw refusal(provider.profile.id, operation, response.status, answer);
  if (answer === undefined && service.operations[operation]?.returns) {
    throw new AgentError("PROVIDER_ANSWER_INVALID", {
      problem: `${provider.profile.id} answered "${operation}" with something that is not JSON.`,
      nextStep: "Treat the call as failed.",
    });
  }
  return readReturns(service.operations[operation]?.returns, answer);
}

function refusal(provider: string, operation: string, status: number, answer: unknown) {
  const { code, message } = readEnvelope(answer);
  return new ProviderRefusal(
    "PROVIDER_REFUSED",
    {
      problem: `${provider} answered "${operation}" with ${status}.`,
      nextStep:
        status >= 500
          ? "Try once more; if it stays so, finish and say what failed."
          : "Change what you ask for, or finish and say why it was refused.",
      details: {
        status: String(status),
        provider,
        ...(code === undefined ? {} : { provider_code: code }),
      },
    },
    message,
  );
}

/** A provider's no. Its words are kept apart from ours, because a stranger wrote them. */
export class ProviderRefusal extends PurserError<"PROVIDER_REFUSED"> {
  readonly untrusted: string | undefined;

  constructor(
    code: "PROVIDER_REFUSED",
    text: ConstructorParameters<typeof PurserError>[1],
    untrusted: string | undefined,
  ) {
    super(code, text);
    this.untrusted = untrusted;
  }
}

/** The code and message of the usual error shapes: `{ errors: [{ code, message }] }` and `{ error: { code, message } }`. */
function readEnvelope(answer: unknown): { code?: string; message?: string } {
  const at = (value: unknown, key: string): unknown =>
    value !== null && typeof value === "object"
      ? (value as Record<string, unknown>)[key]
      : undefined;
  const error = at(at(answer, "errors"), "0") ?? at(answer, "error");
  const code = at(error, "code");
  const message = at(error, "message") ?? at(error, "problem");
  // Only what looks like a code passes as one: a sentence in its place is a stranger's text.
  const plain = typeof code === "number" ? String(code) : code;
  return {
    ...(typeof plain === "string" && /^[\w.-]{1,60}$/.test(plain) ? { code: plain } : {}),
    ...(typeof message === "string" ? { message: message.slice(0, 500) } : {}),
  };
}
