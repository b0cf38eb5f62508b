/**
 * The agent's side of the orchestrator's HTTP API. Every answer is checked against its schema, every error becomes a
 * `PurserError` with the orchestrator's own code, and the run's token never leaves the header it travels in.
 */
import { z } from "zod";
import {
  CatalogEnvelope,
  Connection,
  Credential,
  ProjectView,
  PurserError,
  Resource,
  type ResourceOrder,
  Secret,
} from "../protocol/index.ts";
import { AgentError } from "./agent-error.ts";
import { parseJson, readBody } from "./bounded-body.ts";

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export interface OrchestratorClientOptions {
  url: string;
  /** The run's capability token. */
  token: Secret;
  fetch: typeof fetch;
  /** Ends every call; a call that asks the human may take as long as the run. */
  signal: AbortSignal;
  /** For calls in which no human is asked. */
  timeoutMs?: number;
}

/** An account at a provider and what to call its API with. */
export interface Account {
  id: string;
  token: Secret;
}

const Failure = z.looseObject({
  error: z.looseObject({
    code: z.string().max(100),
    problem: z.string().max(2000),
    nextStep: z.string().max(2000),
    details: z.record(z.string(), z.string()).optional(),
  }),
});

export class OrchestratorClient {
  readonly #options: OrchestratorClientOptions;

  constructor(options: OrchestratorClientOptions) {
    this.#options = options;
  }

  catalog(): Promise<CatalogEnvelope> {
    return this.#call("GET", "/v1/catalog", CatalogEnvelope);
  }

  project(): Promise<ProjectView> {
    return this.#call("GET", "/v1/project", ProjectView);
  }

  /** Opens an account, or finds the one there is; the human may be asked for the provider's terms. */
  connect(provider: string): Promise<Connection> {
    return this.#call("POST", "/v1/connections", Connection, { provider });
  }

  addResource(order: ResourceOrder): Promise<Resource> {
    return this.#call("POST", "/v1/resources", Resource, order);
  }

  async account(handle: string): Promise<Account> {
    const path = `/v1/credentials/${encodeURIComponent(handle)}`;
    const { account_id: id, access_token: token } = await this.#call("GET", path, Credential);
    return { id, token: new Secret(token) };
  }

  async ask(question: string, choices?: string[]): Promise<string> {
    const body = choices ? { question, choices } : { question };
    const Answer = z.looseObject({ answer: z.string().max(10_000) });
    return (await this.#call("POST", "/v1/questions", Answer, body)).answer;
  }

  async #call<T>(method: "GET" | "POST", path: string, schema: z.ZodType<T>, body?: unknown) {
    const { url, token, fetch, signal, timeoutMs = 30_000 } = this.#options;
    const response = await fetch(url.replace(/\/$/, "") + path, {
      method,
      headers: {
        authorization: `Bearer ${token.reveal()}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "error",
      signal: method === "GET" ? AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) : signal,
    }).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new AgentError("ORCHESTRATOR_UNREACHABLE", {
        problem: `The orchestrator did not answer ${method} ${path}.`,
        nextStep: "See that the orchestrator is up, and resume the run.",
        cause,
      });
    });
    const answer = parseJson(await readBody(response, MAX_ANSWER_BYTES));
    if (response.ok) {
      const { data, error } = schema.safeParse(answer);
      if (data !== undefined) return data;
      throw invalid(`${method} ${path} answered something else than the protocol says`, error);
    }
    const failure = Failure.safeParse(answer).data?.error;
    if (failure) throw new PurserError(failure.code, failure);
    throw invalid(`${method} ${path} answered ${response.status} without an error's text`);
  }
}

function invalid(problem: string, cause?: unknown): AgentError {
  return new AgentError("ORCHESTRATOR_ANSWER_INVALID", {
    problem: `The orchestrator's ${problem}.`,
    nextStep: "See that agent and orchestrator are of the same version.",
    cause,
  });
}
