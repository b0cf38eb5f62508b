/**
 * The calls of the orchestrator, for a person's own program with its session's token and for an agent's run with the run's: it says what
 * is wanted and gets the answer or the refusal. Asking the person is the program's part, and in a run's call the orchestrator's.
 */
import { z } from "zod";
import {
  callOrchestrator,
  type OrchestratorClientOptions,
  readIfChanged,
  type Tagged,
} from "./orchestrator-call.ts";
import { CatalogEnvelope, Credential, Delegation, Resource, Spend } from "./orchestrator-api.ts";
import { DeepLink } from "./resource.ts";
import { Secret } from "./secret.ts";
import {
  type AddOrder,
  ChangedConsent,
  type ConnectionOrder,
  ConsentList,
  type ConsentOrder,
  type ConsentView,
  ConnectionView,
  type DeepLinkOrder,
  EnvView,
  type InformationOrder,
  type LinkOrder,
  LlmContext,
  Preflight,
  ProjectList,
  type ProjectOrder,
  ProjectStatus,
  ProjectSummary,
  type RemoveOrder,
  type RenewOrder,
  ResourceAccess,
  type RotateOrder,
  type RunGrant,
  ServicesEnvelope,
  SessionView,
  SpendHistory,
  Unlinked,
  type UpdateOrder,
  Variable,
  VariableList,
  VariableValue,
} from "./session-api.ts";

/** What of the catalog is wanted; everything when empty. */
export interface ServiceFilter {
  provider?: string | undefined;
  category?: string | undefined;
  query?: string | undefined;
}

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

  session(): Promise<SessionView> {
    return this.#get("/v1/session", SessionView);
  }

  async endSession(): Promise<void> {
    await this.#call("DELETE", "/v1/session", z.unknown());
  }

  services(filter: ServiceFilter = {}): Promise<ServicesEnvelope> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(filter)) {
      if (value !== undefined) query.set(name, String(value));
    }
    const search = query.size === 0 ? "" : `?${query.toString()}`;
    return this.#get(`/v1/services${search}`, ServicesEnvelope);
  }

  /** All services, where they are others than those that came with `etag`; undefined where they are the same. */
  servicesIfChanged(etag: string | undefined): Promise<Tagged<ServicesEnvelope> | undefined> {
    const call = { method: "GET", path: "/v1/services", answer: ServicesEnvelope, etag } as const;
    return readIfChanged(call, this.#options);
  }

  catalog(): Promise<CatalogEnvelope> {
    return this.#get("/v1/catalog", CatalogEnvelope);
  }

  llmContext(provider: string): Promise<LlmContext> {
    return this.#get(`/v1/providers/${encodeURIComponent(provider)}/llm-context`, LlmContext);
  }

  /** A run's own alone, where a run asks. */
  async projects(): Promise<ProjectSummary[]> {
    return (await this.#get("/v1/projects", ProjectList)).projects;
  }

  createProject(order: ProjectOrder): Promise<ProjectSummary> {
    return this.#call("POST", "/v1/projects", ProjectSummary, order);
  }

  status(project: string): Promise<ProjectStatus> {
    return this.#get(within(project), ProjectStatus);
  }

  /** Opens an account, or finds the one there is. */
  connect(project: string, order: ConnectionOrder): Promise<ConnectionView> {
    return this.#call("POST", within(project, "connections"), ConnectionView, order);
  }

  disconnect(project: string, provider: string): Promise<Unlinked> {
    return this.#call("DELETE", within(project, "connections", provider), Unlinked);
  }

  /** Also those that were revoked. */
  async consents(project: string): Promise<ConsentView[]> {
    return (await this.#get(within(project, "consents"), ConsentList)).consents;
  }

  /** Lets an agent use the account, or changes what for. */
  grantConsent(project: string, order: ConsentOrder): Promise<ChangedConsent> {
    return this.#call("POST", within(project, "consents"), ChangedConsent, order);
  }

  revokeConsent(project: string, id: string): Promise<ChangedConsent> {
    return this.#call("DELETE", within(project, "consents", id), ChangedConsent);
  }

  /** A run for whoever acts in the person's name, with a token of its own that is shown once. */
  startRun(project: string, grant: RunGrant): Promise<Delegation> {
    return this.#call("POST", within(project, "runs"), Delegation, grant);
  }

  preflight(project: string, order: AddOrder): Promise<Preflight> {
    return this.#call("POST", within(project, "preflight"), Preflight, order);
  }

  add(project: string, order: AddOrder): Promise<Resource> {
    return this.#call("POST", within(project, "resources"), Resource, order);
  }

  linkResource(project: string, order: LinkOrder): Promise<Resource> {
    return this.#call("POST", within(project, "resources", "link"), Resource, order);
  }

  resource(project: string, id: string): Promise<Resource> {
    return this.#get(within(project, "resources", id), Resource);
  }

  update(project: string, id: string, order: UpdateOrder): Promise<Resource> {
    return this.#call("POST", within(project, "resources", id, "update"), Resource, order);
  }

  rotate(project: string, id: string, order: RotateOrder): Promise<Resource> {
    return this.#call("POST", within(project, "resources", id, "rotate"), Resource, order);
  }

  /** Pays the next period: refused with its price at first. */
  renew(project: string, id: string, order: RenewOrder): Promise<Resource> {
    return this.#call("POST", within(project, "resources", id, "renew"), Resource, order);
  }

  remove(project: string, id: string, order: RemoveOrder): Promise<Resource> {
    return this.#call("POST", within(project, "resources", id, "remove"), Resource, order);
  }

  submit(project: string, id: string, order: InformationOrder): Promise<Resource> {
    return this.#call("POST", within(project, "resources", id, "information"), Resource, order);
  }

  /** The secrets themselves: for the person's own files, never for a model. */
  access(project: string, id: string): Promise<ResourceAccess> {
    return this.#get(within(project, "resources", id, "access"), ResourceAccess);
  }

  env(project: string): Promise<EnvView> {
    return this.#get(within(project, "env"), EnvView);
  }

  async variables(project: string): Promise<Variable[]> {
    return (await this.#get(within(project, "variables"), VariableList)).variables;
  }

  setVariable(project: string, name: string, value: string): Promise<Variable> {
    return this.#call("PUT", within(project, "variables", name), Variable, { value });
  }

  /** The value itself: for the person's own files, never for a model. */
  async variable(project: string, name: string): Promise<string> {
    return (await this.#get(within(project, "variables", name), VariableValue)).value;
  }

  async deleteVariable(project: string, name: string): Promise<void> {
    await this.#call("DELETE", within(project, "variables", name), z.unknown());
  }

  spend(project: string): Promise<SpendHistory> {
    return this.#get(within(project, "spend"), SpendHistory);
  }

  /** `amount` is decimal text in US dollars, for each month. */
  setCap(project: string, provider: string, amount: string): Promise<Spend> {
    return this.#call("PUT", within(project, "caps", provider), Spend, { amount });
  }

  deepLink(project: string, order: DeepLinkOrder): Promise<DeepLink> {
    return this.#call("POST", within(project, "deep_links"), DeepLink, order);
  }

  /** A run's alone. */
  async account(handle: string): Promise<Account> {
    const path = `/v1/credentials/${encodeURIComponent(handle)}`;
    const { account_id: id, access_token: token } = await this.#get(path, Credential);
    return { id, token: new Secret(token) };
  }

  /** A run's alone: its human is asked. */
  async ask(question: string, choices?: string[]): Promise<string> {
    const body = choices ? { question, choices } : { question };
    const Answer = z.looseObject({ answer: z.string().max(10_000) });
    return (await this.#call("POST", "/v1/questions", Answer, body)).answer;
  }

  #get<T>(path: string, answer: z.ZodType<T>): Promise<T> {
    return this.#call("GET", path, answer);
  }

  #call<T>(
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    answer: z.ZodType<T>,
    body?: unknown,
  ): Promise<T> {
    return callOrchestrator({ method, path, answer, body }, this.#options);
  }
}

function within(project: string, ...parts: string[]): string {
  return ["/v1/projects", ...[project, ...parts].map(encodeURIComponent)].join("/");
}
