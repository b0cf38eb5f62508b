/** The calls that a run makes of its orchestrator, with the run's token. */
import { z } from "zod";
import { callOrchestrator, type OrchestratorClientOptions } from "./orchestrator-call.ts";
import {
  CatalogEnvelope,
  Connection,
  Credential,
  ProjectView,
  Resource,
  type ResourceOrder,
} from "./orchestrator-api.ts";
import { Secret } from "./secret.ts";

/** An account at a provider and what to call its API with. */
export interface Account {
  id: string;
  token: Secret;
}

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

  #call<T>(method: "GET" | "POST", path: string, answer: z.ZodType<T>, body?: unknown): Promise<T> {
    return callOrchestrator({ method, path, answer, body }, this.#options);
  }
}
