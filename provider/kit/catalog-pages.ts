/**
 * The public pages of a catalog: the protocol's (`GET /provisioning/services`), its health, and the short form in which the
 * launch article of the field shows a catalog: one line a service, a monthly price or the word "variable".
 */
import { Router } from "express";
import { API_VERSION, ProviderProfile, Service, ServicesPage } from "../../protocol/index.ts";
import { DEEP_LINK_PURPOSES } from "./account/deep-links.ts";
import type { CatalogEntry, OpenedProvider, ProviderDefinition } from "./definition.ts";
import type { ProviderOptions } from "./options.ts";

export interface CatalogSource {
  definition: Pick<
    ProviderDefinition,
    "id" | "name" | "termsVersion" | "services" | "accountConfiguration"
  >;
  options: Pick<ProviderOptions, "publicUrl" | "payTo" | "alsoPayTo" | "asset" | "crooked">;
}

/** The profile and the services as buyers read them; throws when the definition is not a valid catalog. */
export function readCatalog({ definition, options }: CatalogSource): ServicesPage {
  const { publicUrl, payTo, alsoPayTo = [], asset, crooked } = options;
  const profile: ProviderProfile = {
    id: definition.id,
    name: definition.name,
    tos_url: `${publicUrl}/terms`,
    tos_version: definition.termsVersion,
    issuer: publicUrl,
    ...(definition.accountConfiguration && {
      configuration_schema: definition.accountConfiguration,
    }),
    payment: {
      pay_to: [payTo, ...alsoPayTo],
      assets: [{ network: asset.network, address: asset.address }],
    },
  };
  const describe = (entry: CatalogEntry) => ({
    ...entry,
    description: crooked?.describe?.(entry.id) ?? entry.description,
  });
  return ServicesPage.parse({
    provider: ProviderProfile.parse(profile),
    data: definition.services.map(describe),
    next_cursor: null,
  });
}

/** What the provider can do, as its functions say. */
export function capabilitiesOf(
  { withdraw, update, rotate, adopt }: OpenedProvider,
  services: readonly Service[],
  publicUrl: string,
): Pick<ProviderProfile, "capabilities" | "deep_link_purposes" | "llm_context"> {
  const has = (functions: object | undefined) => Object.keys(functions ?? {}).length > 0;
  return {
    capabilities: [
      "quotes",
      "connections:unlink",
      ...(has(withdraw) ? ["resources:deprovision"] : []),
      ...(has(update) || services.some(({ allowed_updates: to = [] }) => to.length > 0)
        ? ["resources:update_service"]
        : []),
      ...(has(rotate) ? ["resources:rotate_credentials"] : []),
      ...(has(adopt) ? ["resources:link"] : []),
    ],
    deep_link_purposes: Object.keys(DEEP_LINK_PURPOSES),
    llm_context: `${publicUrl}/llms.txt`,
  };
}

/** Serves them; `shortPath` is where the short form stands, as providers put it below their own API. */
export function catalogPages(catalog: ServicesPage, shortPath: string): Router {
  const router = Router();
  router.get("/provisioning/health", (_, response) => {
    response.json({ supported_versions: [API_VERSION], status: "ok" });
  });
  router.get("/provisioning/services", (_, response) => {
    response.json(catalog);
  });
  router.get(shortPath, (_, response) => {
    response.json(catalog.data.map((service) => shortEntry(catalog.provider.id, service)));
  });
  router.get("/llms.txt", (_, response) => {
    const lines = catalog.data.map(
      ({ id, description }) => `- ${catalog.provider.id}/${id}: ${description}`,
    );
    response.type("text/plain").send(`# ${catalog.provider.name}\n\n${lines.join("\n")}\n`);
  });
  router.get("/terms", (_, response) => {
    const { name, tos_version: version } = catalog.provider;
    response
      .type("text/plain")
      .send(
        `Terms of service of ${name} (local), version ${version}\n\nThis is ${name} on your machine, for trying. What it sells ends when it ends, and it takes test tokens only.\n`,
      );
  });
  return router;
}

function shortEntry(provider: string, service: Service): object {
  const { id, description, pricing, requires_payment_method, free_tier } = service;
  return {
    provider,
    service: id,
    description,
    price_per_month: pricing.type === "free" ? 0 : "variable",
    requires_payment_method,
    ...(free_tier === undefined ? {} : { free_tier }),
  };
}
