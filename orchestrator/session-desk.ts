/**
 * The desk is where a person's own program asks for things. It knows the person from the session, gives them their own projects and
 * nobody else's, and asks nobody anything: what needs the person is refused with what would lift it.
 */
import type { Request } from "express";
import {
  type AddOrder,
  type AgentScope,
  type CatalogProvider,
  type ConnectionList,
  type ConnectionOrder,
  type ConnectionView,
  type ConsentList,
  type ConsentOrder,
  type ConsentView,
  type DeepLink,
  type DeepLinkOrder,
  type Delegation,
  type EnvView,
  formatDecimal,
  type InformationOrder,
  type LinkOrder,
  type LlmContext,
  parseDecimal,
  type Preflight,
  type ProjectList,
  type ProjectOrder,
  type ProjectStatus,
  type ProjectSummary,
  type ProviderList,
  type ProviderView,
  type Quote,
  type QuoteOrder,
  type RemoveOrder,
  type RenewOrder,
  type Resource,
  type ResourceAccess,
  type ResourceList,
  type RotateOrder,
  type RunGrant,
  type SecretReads,
  type SessionView,
  type Spend,
  type SpendHistory,
  type UpdateOrder,
  type Variable,
  type VariableList,
  type VariableOrder,
  type VariableValue,
} from "../protocol/index.ts";
import type { Asker } from "./approvals.ts";
import { type Connections, notConnected } from "./connections.ts";
import type { Consents } from "./consents.ts";
import { openDeepLink } from "./deep-links.ts";
import { OrchestratorError } from "./error.ts";
import { KeptAnswers } from "./kept-answers.ts";
import { llmContext } from "./llm-context.ts";
import type { MergedCatalog } from "./merged-catalog.ts";
import type { PaymentMethod } from "./payment-method.ts";
import { type People, unknownProject } from "./people.ts";
import { preflight } from "./preflight.ts";
import type { ProjectViews } from "./project-views.ts";
import { type Project, type Projects, USD_DECIMALS } from "./projects.ts";
import type { ProviderRegistry } from "./provider-registry.ts";
import type { ProviderSession } from "./provider-session.ts";
import type { Quotes } from "./quotes.ts";
import type { ResourceChanges } from "./resource-changes.ts";
import { viewResource } from "./resource-store.ts";
import type { Resources } from "./resources.ts";
import type { Runs } from "./runs.ts";
import type { ServiceListings, ServicesFilter } from "./service-listings.ts";
import type { Session, Sessions } from "./sessions.ts";
import type { Spending } from "./spending.ts";
import type { Terms } from "./terms.ts";
import type { Variables } from "./variables.ts";
import type { Vault } from "./vault.ts";

export class SessionDesk {
  readonly #parts: SessionDeskOptions;
  readonly #answers = new KeptAnswers();

  constructor(parts: SessionDeskOptions) {
    this.#parts = parts;
  }

  authenticate(request: Request): Promise<Session> {
    return this.#parts.sessions.authenticate(request);
  }

  view({ user, agent, expiresAt }: Session): SessionView {
    return {
      user: { email: user.email, name: user.name, email_verified: user.emailVerified },
      agent,
      expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    };
  }

  end(session: Session): { revoked: true } {
    this.#parts.sessions.revoke(session);
    return { revoked: true };
  }

  /** The id of a project of the session's person, or `PROJECT_UNKNOWN`. */
  project({ user }: Session, id: string): string {
    const project = this.#parts.projects.get(id);
    if (project.person === user.id) return project.id;
    throw unknownProject(id);
  }

  projects({ user }: Session): ProjectList {
    return { projects: this.#parts.projects.list(user.id).map(summary) };
  }

  createProject({ user }: Session, { name, idempotency_key: key }: ProjectOrder): ProjectSummary {
    return summary(this.#parts.projects.create({ name, person: user.id, key }));
  }

  status(project: string): Promise<ProjectStatus> {
    return this.#parts.views.status(project);
  }

  async setCap(project: string, provider: string, amount: string): Promise<Spend> {
    await this.#parts.setCap({ project, provider, amount: parseDecimal(amount, USD_DECIMALS) });
    return this.#parts.spending.ofProvider(project, provider);
  }

  spend(project: string): Promise<SpendHistory> {
    const { registry, spending, now } = this.#parts;
    const providers = registry.list().flatMap(({ id }) => id ?? []);
    return spending.history(project, providers, now());
  }

  startRun(project: string, session: Session, grant: RunGrant): Delegation {
    const budget = parseDecimal(grant.budget, USD_DECIMALS);
    const expiresAt = Date.parse(grant.expires_at);
    const { providers, agent = session.agent } = grant;
    const { runId, token } = this.#parts.runs.start({
      project,
      budget,
      providers,
      expiresAt,
      agent,
    });
    return {
      id: runId,
      token: token.reveal(),
      budget: formatDecimal(budget, USD_DECIMALS),
      providers: providers ?? null,
      expires_at: new Date(expiresAt).toISOString(),
    };
  }

  /** A `ServicesEnvelope`, as it is sent. */
  async services({ user }: Session, filter: ServicesFilter): Promise<Buffer> {
    const { catalog, listings } = this.#parts;
    const before = catalog.fresh();
    const reading = await catalog.read();
    const cached = before === reading;
    const { provider, category, query } = filter;
    const name = JSON.stringify([cached, provider, category, query, user.country]);
    return this.#answers.get(reading, name, () => listings.find(reading, cached, filter, user));
  }

  async providers(): Promise<ProviderList> {
    const { catalog, registry } = this.#parts;
    const reading = await catalog.read();
    const providers = registry.list().map(({ baseUrl }): ProviderView => {
      const read = reading.catalog.providers.find((provider) => provider.baseUrl === baseUrl);
      return {
        id: read?.profile.id ?? null,
        name: read?.profile.name ?? null,
        base_url: baseUrl,
        tos_url: read?.profile.tos_url ?? null,
        tos_version: read?.profile.tos_version ?? null,
      };
    });
    return { providers, warnings: reading.warnings };
  }

  async addProvider(session: Session, url: string): Promise<ProviderView> {
    this.#checkOwner(session);
    const { registry, catalog } = this.#parts;
    const baseUrl = registry.add(url);
    catalog.expire();
    const { providers, warnings } = await this.providers();
    const added = providers.find((provider) => provider.base_url === baseUrl);
    if (added?.id != null) return added;
    throw new OrchestratorError("PROVIDER_UNAVAILABLE", {
      problem: `The provider is added, and cannot be used now: ${warnings.find((text) => text.includes(baseUrl)) ?? "it was not read"}`,
      nextStep:
        "See that it is up and answers GET /provisioning/services; it is read again by itself.",
    });
  }

  async removeProvider(session: Session, id: string): Promise<{ removed: true }> {
    this.#checkOwner(session);
    const { registry, catalog } = this.#parts;
    const { provider } = await catalog.provider(id);
    registry.remove(provider.baseUrl);
    catalog.expire();
    return { removed: true };
  }

  async llmContext(provider: string): Promise<LlmContext> {
    return llmContext((await this.#parts.catalog.provider(provider)).provider);
  }

  async connect(
    project: string,
    session: Session,
    order: ConnectionOrder,
  ): Promise<ConnectionView> {
    const { catalog, connections } = this.#parts;
    const { provider } = await catalog.provider(order.provider);
    const asker = askerOf(project, session, { ...order, grants: true });
    await connections.connect(asker, provider);
    return connections.view(project, order.provider);
  }

  connections(project: string): ConnectionList {
    return { connections: this.#parts.connections.views(project) };
  }

  /** `told` says whether the provider has heard of it, which may be down. */
  async unlink(project: string, id: string): Promise<{ unlinked: true; told: boolean }> {
    const { connections } = this.#parts;
    return { unlinked: true, told: await connections.unlink(project, id, await this.#found(id)) };
  }

  consents(project: string): ConsentList {
    return { consents: this.#parts.consents.list(project) };
  }

  /** What the agent had ends, here and at the provider; its next call is for what it may do now. */
  async grantConsent(
    project: string,
    { provider, agent, scopes }: ConsentOrder,
  ): Promise<ConsentView> {
    const { connections, consents } = this.#parts;
    if (!connections.find(project, provider)) throw notConnected(provider);
    const of = { project, provider, agent };
    const consent = consents.grant({ ...of, scopes });
    await connections.endAgent(of, await this.#found(provider), { forget: false });
    return consent;
  }

  async revokeConsent(project: string, id: string): Promise<ConsentView> {
    const { connections, consents } = this.#parts;
    const consent = consents.revoke(project, id);
    const { provider, agent } = consent;
    const of = { project, provider, agent };
    if (!consents.find(of))
      await connections.endAgent(of, await this.#found(provider), { forget: true });
    return consent;
  }

  async preflight(project: string, order: AddOrder): Promise<Preflight> {
    const entry = await this.#parts.catalog.service(order.service);
    return preflight(this.#parts, project, entry, order);
  }

  /** Where a price is fixed there is an account: a provider quotes to nobody else. */
  async quote(project: string, session: Session, order: QuoteOrder): Promise<Quote> {
    const { catalog, connections, quotes, resources } = this.#parts;
    const entry = await catalog.service(order.service);
    const { provider } = entry;
    const service = resources.sold(project, entry);
    const changes =
      order.resource === undefined ? undefined : resources.row(project, order.resource).providerId;
    if (!connections.find(project, provider.profile.id)) throw notLinked(provider.profile.id);
    const { configuration } = order;
    const asker = askerOf(project, session, {});
    const fixed = await quotes.fix(asker, { provider, service, configuration, changes });
    const { named: _named, ...quote } = fixed;
    return quote;
  }

  async add(project: string, session: Session, order: AddOrder): Promise<Resource> {
    const { catalog, resources } = this.#parts;
    const entry = await catalog.service(order.service);
    return resources.add(askerOf(project, session, order), entry, order);
  }

  resources(project: string): ResourceList {
    return { resources: this.#parts.resources.list(project) };
  }

  resource(project: string, session: Session, id: string): Promise<Resource> {
    return this.#parts.resources.find(askerOf(project, session, {}), id, this.#providerOf);
  }

  async update(
    project: string,
    session: Session,
    id: string,
    order: UpdateOrder,
  ): Promise<Resource> {
    const row = this.#parts.resources.row(project, id);
    const asker = askerOf(project, session, {});
    return this.#parts.changes.update(asker, await this.#providerOf(row.provider), row, order);
  }

  async rotate(
    project: string,
    session: Session,
    id: string,
    order: RotateOrder,
  ): Promise<Resource> {
    const row = this.#parts.resources.row(project, id);
    const asker = askerOf(project, session, {});
    return this.#parts.changes.rotate(asker, await this.#providerOf(row.provider), row, order);
  }

  async renew(
    project: string,
    session: Session,
    id: string,
    { quote }: RenewOrder,
  ): Promise<Resource> {
    const row = this.#parts.resources.row(project, id);
    const asker = askerOf(project, session, {});
    return this.#parts.changes.renew(asker, await this.#providerOf(row.provider), row, quote);
  }

  async remove(
    project: string,
    session: Session,
    id: string,
    { confirm = [] }: RemoveOrder,
  ): Promise<Resource> {
    const row = this.#parts.resources.row(project, id);
    const asker = askerOf(project, session, {});
    return this.#parts.changes.remove(asker, await this.#providerOf(row.provider), row, confirm);
  }

  submitInformation(
    project: string,
    session: Session,
    id: string,
    { information }: InformationOrder,
  ): Promise<Resource> {
    const asker = askerOf(project, session, {});
    return this.#parts.resources.submit(asker, id, information, this.#providerOf);
  }

  async link(project: string, session: Session, order: LinkOrder): Promise<Resource> {
    const entry = await this.#parts.catalog.service(order.service);
    return this.#parts.resources.link(askerOf(project, session, {}), entry, order);
  }

  async access(project: string, session: Session, id: string): Promise<ResourceAccess> {
    const { resources, vault } = this.#parts;
    const { access } = viewResource(resources.row(project, id));
    const values: Record<string, string> = {};
    for (const [key, value] of Object.entries(access)) {
      values[key] = value.startsWith("cred:")
        ? (await vault.read({ project, handle: value }, `session:${session.agent}`)).reveal()
        : value;
    }
    return { id, values };
  }

  env(project: string, provider?: string): EnvView {
    const variables = this.#parts.resources
      .list(project)
      .filter(({ service }) => provider === undefined || service.startsWith(`${provider}/`))
      .flatMap(({ id, service, name, access }) =>
        Object.entries(access).map(([key, value]) => ({
          name: variableName(name, key),
          key,
          resource: id,
          service,
          secret: value.startsWith("cred:"),
          value,
        })),
      );
    return { variables };
  }

  variables(project: string): VariableList {
    return { variables: this.#parts.variables.list(project) };
  }

  variable(project: string, { agent }: Session, name: string): Promise<VariableValue> {
    return this.#parts.variables.value(project, name, `session:${agent}`);
  }

  setVariable(project: string, name: string, { value }: VariableOrder): Promise<Variable> {
    return this.#parts.variables.set(project, name, value);
  }

  deleteVariable(project: string, name: string): { deleted: true } {
    return this.#parts.variables.delete(project, name);
  }

  secretReads(project: string): SecretReads {
    const reads = this.#parts.vault.reads(project).map(({ handle, reader, readAt }) => {
      return { handle, reader, read_at: new Date(readAt).toISOString() };
    });
    return { reads };
  }

  async deepLink(project: string, session: Session, order: DeepLinkOrder): Promise<DeepLink> {
    const provider = await this.#providerOf(order.provider);
    return openDeepLink(this.#parts, askerOf(project, session, {}), { provider, order });
  }

  readonly #providerOf = async (id: string): Promise<CatalogProvider> =>
    (await this.#parts.catalog.provider(id)).provider;

  /** A provider that can be told something now. */
  async #found(id: string): Promise<CatalogProvider | undefined> {
    const { catalog } = await this.#parts.catalog.read();
    return catalog.providers.find(({ profile }) => profile.id === id);
  }

  /** The providers are the same for all users, so only an orchestrator's one user may change them. */
  #checkOwner({ user }: Session): void {
    if (this.#parts.ownerId === user.id) return;
    throw new OrchestratorError("NOT_ALLOWED", {
      problem: "Which providers there are is for the platform to say.",
      nextStep: "Ask whoever runs the platform to add it.",
    });
  }
}

export interface SessionDeskOptions {
  sessions: Sessions;
  projects: Projects;
  views: ProjectViews;
  runs: Runs;
  catalog: MergedCatalog;
  listings: ServiceListings;
  registry: ProviderRegistry;
  connections: Connections;
  consents: Consents;
  resources: Resources;
  changes: ResourceChanges;
  quotes: Quotes;
  session: ProviderSession;
  people: People;
  terms: Terms;
  payment: PaymentMethod;
  spending: Spending;
  variables: Variables;
  vault: Vault;
  setCap: (cap: { project: string; provider: string; amount: bigint }) => Promise<unknown>;
  /** Of the one user, where there is one. */
  ownerId: string | undefined;
  now: () => number;
}

interface Said {
  accept_terms?: string | undefined;
  scopes?: readonly AgentScope[] | undefined;
  /** The call is the person's word that the program may use the account. */
  grants?: boolean;
}

function askerOf(project: string, { agent }: Session, said: Said): Asker {
  const { accept_terms: acceptTerms, scopes, grants = false } = said;
  return { project, id: `session:${agent}`, agent, session: { acceptTerms, scopes, grants } };
}

function notLinked(provider: string): OrchestratorError {
  return new OrchestratorError("PROVIDER_NOT_LINKED", {
    problem: `The project has no account at ${provider}, and a price is fixed for an account.`,
    nextStep: "Link the provider first; the preflight says the catalog's price.",
    details: { provider },
  });
}

/** Such as DATABASE_CONNECTION_STRING. */
function variableName(name: string | undefined, key: string): string {
  return name === undefined ? key : `${name.toUpperCase().replaceAll("-", "_")}_${key}`;
}

function summary({ id, name, createdAt }: Project): ProjectSummary {
  return { id, name, created_at: new Date(createdAt).toISOString() };
}
