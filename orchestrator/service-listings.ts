/**
 * The merged catalog as the field publishes it: one flat list of services in the envelope of `catalog --json`, narrowed by provider,
 * category or words. A listing is made once for each reading of the catalog, because thousands of them are looked through each time.
 */
import { createHash } from "node:crypto";
import type {
  CatalogProvider,
  Service,
  ServiceListing,
  ServicesEnvelope,
} from "../protocol/index.ts";
import { availabilityOf } from "./availability.ts";
import { OrchestratorError } from "./error.ts";
import type { CatalogReading } from "./merged-catalog.ts";
import type { User } from "./people.ts";

export interface ServicesFilter {
  provider?: string | undefined;
  category?: string | undefined;
  /** Words that must all be found. */
  query?: string | undefined;
}

interface Indexed {
  provider: CatalogProvider;
  service: Service;
  isDown: boolean;
  /** As it is for somebody of whom nothing is known. */
  listing: ServiceListing;
  /** What words are looked for in, in lower case. */
  text: string;
}

export class ServiceListings {
  readonly #indexes = new WeakMap<CatalogReading, Indexed[]>();

  /** `cached` says whether the reading was there already. */
  find(
    reading: CatalogReading,
    cached: boolean,
    filter: ServicesFilter,
    person: Pick<User, "country">,
  ): ServicesEnvelope {
    const category = filter.category?.replace(/^@/, "");
    const provider = this.#provider(reading, filter.provider);
    const words = (filter.query ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const services = this.#index(reading)
      .filter(
        ({ listing, text }) =>
          (provider === undefined || listing.provider_id === provider.profile.id) &&
          (category === undefined || listing.categories.includes(category)) &&
          words.every((word) => text.includes(word)),
      )
      .map(({ listing, provider, service, isDown }): ServiceListing => ({
        ...listing,
        availability: isDown ? "unavailable" : availabilityOf(provider, service, person),
      }));
    const next = services.find(({ availability }) => availability === "available");
    return {
      ok: true,
      command: filter.query === undefined ? "catalog" : "search",
      version: "0.1",
      data: {
        last_updated: new Date(reading.readAt).toISOString(),
        provider: provider ? describe(provider) : null,
        category_filter: category ?? null,
        provider_filter: filter.provider ?? null,
        services,
        source: cached ? "cache" : "providers",
      },
      warnings: reading.warnings,
      next_steps: next ? [`purser add ${next.reference}`] : ["purser catalog"],
      meta: { authenticated: true, project_initialized: true },
    };
  }

  #provider(
    { catalog, unreachable }: CatalogReading,
    id: string | undefined,
  ): CatalogProvider | undefined {
    if (id === undefined) return undefined;
    const found = [...catalog.providers, ...unreachable].find(({ profile }) => profile.id === id);
    if (found) return found;
    throw new OrchestratorError("PROVIDER_UNKNOWN", {
      problem: `The catalog has no provider "${id.slice(0, 100)}".`,
      nextStep: "List the providers, or add one by its URL.",
    });
  }

  #index(reading: CatalogReading): Indexed[] {
    let index = this.#indexes.get(reading);
    if (!index) {
      const { catalog, unreachable } = reading;
      index = [
        ...catalog.providers.flatMap((provider) => listingsOf(provider, false)),
        ...unreachable.flatMap((provider) => listingsOf(provider, true)),
      ];
      this.#indexes.set(reading, index);
    }
    return index;
  }
}

function listingsOf(provider: CatalogProvider, isDown: boolean): Indexed[] {
  const { profile, services } = provider;
  return services.map((service) => {
    const reference = `${profile.id}/${service.id}`;
    const listing: ServiceListing = {
      ...service,
      id: `prvsvc_${createHash("sha256").update(reference).digest("hex").slice(0, 24)}`,
      object: "v2.provisioning.provider_service_detail",
      provider_id: profile.id,
      provider_name: profile.name,
      service_id: service.id,
      reference,
      development: true,
      livemode: false,
      availability: "available",
      ...(profile.configuration_schema && {
        provider_configuration_schema: profile.configuration_schema,
      }),
      llm_context: `/v1/providers/${profile.id}/llm-context`,
    };
    const words = [
      reference,
      profile.name,
      service.description,
      ...service.categories,
      ...service.capabilities.gives,
    ];
    return { provider, service, isDown, listing, text: words.join("\n").toLowerCase() };
  });
}

function describe({ profile }: CatalogProvider): ServicesEnvelope["data"]["provider"] {
  return {
    id: profile.id,
    name: profile.name,
    capabilities: profile.capabilities ?? [],
    existing_resource_linking: profile.capabilities?.includes("resources:link")
      ? "supported"
      : "unsupported",
  };
}
