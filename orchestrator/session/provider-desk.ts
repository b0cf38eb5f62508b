/** What can be had, and of whom: the catalog as it is published, and the providers, which are the same for all users. */
import type {
  CatalogEnvelope,
  LlmContext,
  ProviderList,
  ProviderView,
} from "../../protocol/index.ts";
import { OrchestratorError } from "../error.ts";
import { type KeptAnswer, KeptAnswers } from "../kept-answers.ts";
import { llmContext } from "../llm-context.ts";
import type { CatalogReading, MergedCatalog } from "../merged-catalog.ts";
import type { ProviderRegistry } from "../provider-registry.ts";
import { isRun } from "../runs.ts";
import type { ServiceListings, ServicesFilter } from "../service-listings.ts";
import type { Session } from "../sessions.ts";
import { type Caller, mayUse } from "./caller.ts";

export class ProviderDesk {
  readonly #parts: ProviderDeskOptions;
  readonly #answers = new KeptAnswers();

  constructor(parts: ProviderDeskOptions) {
    this.#parts = parts;
  }

  /** A `ServicesEnvelope`, as it is sent. */
  async services({ user }: Session, filter: ServicesFilter): Promise<KeptAnswer> {
    const { catalog, listings } = this.#parts;
    const before = catalog.fresh();
    const reading = await catalog.read();
    const cached = before === reading;
    const { provider, category, query } = filter;
    const name = JSON.stringify([cached, provider, category, query, user.country]);
    return this.#answers.get(reading, name, () => listings.find(reading, cached, filter, user));
  }

  /** A `CatalogEnvelope`, as it is sent: what the caller may use of it. */
  async catalog(caller: Caller): Promise<KeptAnswer> {
    const reading = await this.#parts.catalog.read();
    const only = isRun(caller) ? caller.providers : undefined;
    const name = JSON.stringify({ catalog: only ?? null });
    return this.#answers.get(reading, name, () => envelope(caller, reading));
  }

  async list(): Promise<ProviderList> {
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

  async add(session: Session, url: string): Promise<ProviderView> {
    this.#checkOwner(session);
    const { registry, catalog } = this.#parts;
    const baseUrl = registry.add(url);
    catalog.expire();
    const { providers, warnings } = await this.list();
    const added = providers.find((provider) => provider.base_url === baseUrl);
    if (added?.id != null) return added;
    throw new OrchestratorError("PROVIDER_UNAVAILABLE", {
      problem: `The provider is added, and cannot be used now: ${warnings.find((text) => text.includes(baseUrl)) ?? "it was not read"}`,
      nextStep:
        "See that it is up and answers GET /provisioning/services; it is read again by itself.",
    });
  }

  async remove(session: Session, id: string): Promise<{ removed: true }> {
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

  /** The providers are the same for all users, so only an orchestrator's one user may change them. */
  #checkOwner({ user }: Session): void {
    if (this.#parts.ownerId === user.id) return;
    throw new OrchestratorError("NOT_ALLOWED", {
      problem: "Which providers there are is for the platform to say.",
      nextStep: "Ask whoever runs the platform to add it.",
    });
  }
}

function envelope(caller: Caller, { catalog, warnings, readAt }: CatalogReading): CatalogEnvelope {
  const providers = catalog.providers.filter(({ profile }) => mayUse(caller, profile.id));
  const last_updated = new Date(readAt).toISOString();
  return {
    ok: true,
    command: "catalog",
    version: "0.1",
    data: { providers, last_updated },
    warnings,
  };
}

export interface ProviderDeskOptions {
  catalog: MergedCatalog;
  listings: ServiceListings;
  registry: ProviderRegistry;
  /** Of the one user, where there is one. */
  ownerId: string | undefined;
}
