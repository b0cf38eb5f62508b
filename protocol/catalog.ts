/**
 * A catalog is what a provider sells, in a form that a program can compare, cap and add up: APP 0.1d's service object
 * (`GET /provisioning/services`) with what that lacks: structured prices, what a service is for, and the operations that
 * provide it. Planner, tools and policy work from it alone. Its texts are a stranger's: data, never instructions.
 */
import { z } from "zod";
import { PurserError } from "./error.ts";

/** Capabilities that the whole field has a word for; a provider may name others. */
export const CAPABILITIES = {
  account: "account",
  hosting: "hosting",
  domain: "domain",
  keyValue: "key-value",
} as const;

export const Price = z.looseObject({
  type: z.literal("freeform"),
  /** For people: "$12.18 per year". */
  freeform: z.string().max(500),
  /** Plain decimal text, never a float. */
  amount: z.string().regex(/^\d{1,12}(\.\d{1,6})?$/),
  currency: z.literal("usd"),
  interval: z.enum(["one_time", "month", "year"]),
  /** What is paid when: once, in advance for each interval, or after it for what was used. By default once for `one_time`, otherwise recurring. */
  kind: z.enum(["one_time", "recurring", "usage"]).optional(),
  /** What `amount` buys one of, such as "GB-month", where the kind is usage. */
  unit: z.string().min(1).max(50).optional(),
  /** The inputs for which this price holds, such as `{ extension: "dev" }`. */
  configuration: z.record(z.string(), z.string()).optional(),
  is_default: z.boolean().optional(),
});
export type Price = z.output<typeof Price>;

const parents = {
  /** Services of the same provider, plans as a rule: one of them must be there. */
  parent_service_ids: z.array(z.string().max(100)).min(1).max(100),
  /** Holds where the project has plans of several options. */
  default: z.boolean().optional(),
};
/** What a component costs under some plans. */
const ComponentOption = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("free"), ...parents }),
  z.looseObject({
    type: z.literal("paid"),
    ...parents,
    paid: z
      .union([Price, z.array(Price).min(1).max(200)])
      .transform((paid) => (Array.isArray(paid) ? paid : [paid])),
  }),
]);

export const Pricing = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("free") }),
  z.looseObject({ type: z.literal("paid"), paid: z.array(Price).min(1).max(2000) }),
  z.looseObject({
    type: z.literal("component"),
    component: z.looseObject({ options: z.array(ComponentOption).min(1).max(100) }),
  }),
]);
export type Pricing = z.output<typeof Pricing>;

/**
 * One HTTP call at the provider. `{name}` in `path`, and a string that is exactly `"{name}"` in `body`, stand for an input of
 * that name, or for `account_id` of the connection. `returns` says where in the JSON answer each result stands (RFC 6901).
 */
export const Operation = z.looseObject({
  method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]),
  path: z.string().max(500).startsWith("/"),
  body: z.json().optional(),
  /** "worker": multipart upload of a module Worker, as Cloudflare's `PUT …/workers/scripts/{name}` takes it. */
  encoding: z.enum(["json", "worker"]).default("json"),
  /** True where the call answers 402. */
  paid: z.boolean().default(false),
  returns: z.record(z.string(), z.string().max(200)).optional(),
});
export type Operation = z.output<typeof Operation>;

export const Service = z.looseObject({
  /** Such as "registrar:domain"; with the provider in front it is the service's reference. */
  id: z.string().regex(/^[a-z0-9][a-z0-9:._-]{0,99}$/i),
  description: z.string().max(2000),
  categories: z.array(z.string().max(50)).max(20).default([]),
  kind: z.enum(["plan", "deployable"]).default("deployable"),
  configuration_schema: z.record(z.string(), z.json()).optional(),
  pricing: Pricing,
  free_tier: z.string().max(200).optional(),
  /** What the provider must know of the person before it provides this. */
  kyc: z
    .looseObject({ required_fields: z.array(z.string().max(50)).max(20).default([]) })
    .optional(),
  /** Where it is sold, in ISO 3166-1 alpha-2; everywhere where nothing is said. (APP 0.1d has no such thing.) */
  countries: z
    .array(z.string().regex(/^[A-Za-z]{2}$/))
    .max(300)
    .optional(),
  /** The services that a resource of this one can become. A service that is not named here is another resource. */
  allowed_updates: z
    .array(
      z.looseObject({ service: z.string().max(100), direction: z.enum(["up", "down", "any"]) }),
    )
    .max(100)
    .optional(),
  requires_payment_method: z.boolean().default(false),
  capabilities: z
    .object({
      gives: z.array(z.string().max(50)).max(20),
      needs: z.array(z.string().max(50)).max(20),
    })
    .default({ gives: [], needs: [] }),
  /**
   * By purpose. `create` provides the service; without it the service is added through the orchestrator. `check` answers
   * whether it can be had; `deploy` uploads code; `publish` serves deployed code at a hostname of the provider's; `attach` serves it at a hostname of the user's.
   */
  operations: z.record(z.string().max(50), Operation).default({}),
  /**
   * For a service that code reaches through a binding: the entry of the Worker's metadata, in which `"{KEY}"` stands for a key
   * of the resource's access configuration, such as `{ type: "kv_namespace", namespace_id: "{KV_NAMESPACE_ID}" }`.
   */
  binding: z.record(z.string(), z.string().max(200)).optional(),
});
export type Service = z.output<typeof Service>;

/** Who sells, and to whom alone its 402s may ask to be paid. */
export const ProviderProfile = z.looseObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,49}$/),
  name: z.string().max(100),
  tos_url: z.string().max(500),
  tos_version: z.string().max(50),
  privacy_policy_url: z.string().max(500).optional(),
  /** JSON Schema of what a new account can be set up with, such as a region; without it there is nothing to set. */
  configuration_schema: z.record(z.string(), z.json()).optional(),
  /** What the provider can do beside creating: "resources:deprovision", "resources:update_service", "resources:rotate_credentials", "resources:link", "quotes". */
  capabilities: z.array(z.string().max(100)).max(50).optional(),
  /** Where `POST /provisioning/deep_links` can lead, such as "dashboard". */
  deep_link_purposes: z.array(z.string().max(50)).max(20).optional(),
  /** A page for models on how to use the provider. */
  llm_context: z.string().max(500).optional(),
  /** OAuth issuer; its metadata is at `/.well-known/openid-configuration`. */
  issuer: z.string().max(500),
  payment: z.object({
    pay_to: z.array(z.string().regex(/^0x[0-9a-fA-F]{40}$/)).max(10),
    /** CAIP-2 network and token address of each accepted asset. */
    assets: z.array(z.object({ network: z.string().max(64), address: z.string().max(64) })).max(10),
  }),
});
export type ProviderProfile = z.output<typeof ProviderProfile>;

/** The body of `GET /provisioning/services`. APP 0.1d has `data`; `provider` is ours. */
export const ServicesPage = z.looseObject({
  provider: ProviderProfile,
  data: z.array(Service).max(5000),
  next_cursor: z.string().max(200).nullish(),
});
export type ServicesPage = z.output<typeof ServicesPage>;

/** A provider in the merged catalog: its profile, the origin and base path it was read from, and its services. */
export const CatalogProvider = z.object({
  profile: ProviderProfile,
  /** Such as "http://127.0.0.1:4101"; every path of the provider is relative to it. */
  baseUrl: z.string(),
  services: z.array(Service),
});
export type CatalogProvider = z.output<typeof CatalogProvider>;

export const Catalog = z.object({ providers: z.array(CatalogProvider) });
export type Catalog = z.output<typeof Catalog>;

export type CatalogErrorCode =
  | "SERVICE_UNKNOWN"
  | "OPERATION_UNKNOWN"
  | "INPUT_MISSING"
  | "PRICE_UNKNOWN"
  | "PLAN_REQUIRED";

export class CatalogError extends PurserError<CatalogErrorCode> {}

/** "cloudflare/registrar:domain" → its provider and service, or `SERVICE_UNKNOWN`. */
export function findService(
  catalog: Catalog,
  reference: string,
): { provider: CatalogProvider; service: Service } {
  const slash = reference.indexOf("/");
  const provider = catalog.providers.find(
    ({ profile }) => profile.id === reference.slice(0, Math.max(0, slash)),
  );
  const service = provider?.services.find(({ id }) => id === reference.slice(slash + 1));
  if (provider && service) return { provider, service };
  throw new CatalogError("SERVICE_UNKNOWN", {
    problem: `The catalog has no service "${reference.slice(0, 150)}".`,
    nextStep: "Search the catalog, and use a reference such as provider/service.",
  });
}

/** Every price that a service may have, whatever plan it is had under. */
export function pricesOf({ pricing }: Pick<Service, "pricing">): Price[] {
  if (pricing.type === "free") return [];
  if (pricing.type === "paid") return pricing.paid;
  return pricing.component.options.flatMap((option) => (option.type === "paid" ? option.paid : []));
}

/** Whether it may be had for nothing: always, or under a plan. */
export function mayBeFree({ pricing }: Pick<Service, "pricing">): boolean {
  if (pricing.type !== "component") return pricing.type === "free";
  return pricing.component.options.some(({ type }) => type === "free");
}

/**
 * The service with the price that it has for somebody with these services of its provider; `PLAN_REQUIRED` (`details.plan`: references, comma
 * between two) for a component of plans that they have none of.
 */
export function underPlans(
  provider: string,
  service: Service,
  held: ReadonlySet<string>,
): Service & { pricing: Exclude<Pricing, { type: "component" }> } {
  const { pricing } = service;
  if (pricing.type !== "component") return { ...service, pricing };
  const { options } = pricing.component;
  const fitting = options.filter(({ parent_service_ids: ids }) => ids.some((id) => held.has(id)));
  const option = fitting.find((one) => one.default === true) ?? fitting[0];
  if (option?.type === "free") return { ...service, pricing: { type: "free" } };
  if (option) return { ...service, pricing: { type: "paid", paid: option.paid } };
  const plans = [...new Set(options.flatMap(({ parent_service_ids: ids }) => ids))];
  throw new CatalogError("PLAN_REQUIRED", {
    problem: `${provider}/${service.id} is a part of a plan, and the project has none of ${provider}'s plans for it.`,
    nextStep: "Add one of the plans first.",
    details: {
      service: `${provider}/${service.id}`,
      plan: plans.map((id) => `${provider}/${id}`).join(","),
    },
  });
}

/**
 * The price of a service for these inputs, or null when it is free. A `configuration` key is compared with the input of that
 * name; `extension` is what follows the first dot of the input `domain`. Throws `PRICE_UNKNOWN` when no price fits, and for a component
 * of a plan, which has its price from `underPlans`.
 */
export function priceOf(service: Service, inputs: Readonly<Record<string, string>>): Price | null {
  const { pricing } = service;
  if (pricing.type === "free") return null;
  const prices = pricing.type === "paid" ? pricing.paid : [];
  const known: Record<string, string> = { ...inputs };
  const domain = inputs["domain"];
  if (domain !== undefined) known["extension"] = domain.slice(domain.indexOf(".") + 1);
  const fits = (price: Price) =>
    Object.entries(price.configuration ?? {}).every(
      ([key, value]) => known[key]?.toLowerCase() === value.toLowerCase(),
    );
  const specific = prices.filter((price) => price.configuration && fits(price));
  const general = prices.filter((price) => !price.configuration);
  const found = specific[0] ?? general.find((price) => price.is_default) ?? general[0];
  if (found) return found;
  throw new CatalogError("PRICE_UNKNOWN", {
    problem: `The catalog has no price of ${service.id} for ${JSON.stringify(inputs).slice(0, 200)}.`,
    nextStep: "Choose inputs that the catalog has a price for.",
  });
}
