/**
 * The messages of the agent-provisioning protocol (APP 0.1d) about resources: what a provider made for a project, and what may be
 * asked about it. Fields that APP lacks and we add: `mandate`, the quote, `billing`, and `/renew`.
 */
import { z } from "zod";
import { Values } from "./typed-values.ts";

const text = (max: number) => z.string().min(1).max(max);
const named = {
  /** The quote that the price was fixed by; nothing that costs money is done without one. */
  quote_id: text(100).optional(),
  quote_hash: text(100).optional(),
};

/** `POST /provisioning/resources`, signed, with the account's bearer token and an `Idempotency-Key`. */
export const ResourceRequest = z.looseObject({
  service_id: text(100),
  configuration: Values.default({}),
  project_id: text(100).optional(),
  mandate: text(4096).optional(),
  /** What a `needs_information` answer asked for; sent under the same key. */
  submitted_information: Values.optional(),
  ...named,
});
export type ResourceRequest = z.output<typeof ResourceRequest>;

/** `POST /provisioning/resources/:id/update_service`: another plan, tier or configuration, as the catalog's `allowed_updates` allow. */
export const ResourceUpdate = z.looseObject({
  service_id: text(100),
  /** By default as it is. */
  configuration: Values.optional(),
  mandate: text(4096).optional(),
  ...named,
});
export type ResourceUpdate = z.output<typeof ResourceUpdate>;

/** `POST /provisioning/resources/:id/renew` (ours): pays the next period, or what was used in the last one. */
export const ResourceRenewal = z.looseObject({
  mandate: text(4096).optional(),
  quote_id: text(100),
  quote_hash: text(100),
});
export type ResourceRenewal = z.output<typeof ResourceRenewal>;

/** `POST /provisioning/resources/link`: adopts something that the account has already. */
export const ResourceLinkRequest = z.looseObject({
  service_id: text(100),
  configuration: Values.default({}),
  submitted_information: Values.optional(),
});
export type ResourceLinkRequest = z.output<typeof ResourceLinkRequest>;

/** What a resource costs, and until when it is paid. */
export const ResourceBilling = z.object({
  kind: z.enum(["one_time", "recurring", "usage"]),
  amount: z.string().regex(/^\d{1,12}(\.\d{1,6})?$/),
  currency: z.literal("usd"),
  interval: z.enum(["one_time", "month", "year"]).optional(),
  unit: text(50).optional(),
  /** Where it is billed by the period. */
  paid_until: z.iso.datetime().optional(),
  /** The period is over: `/renew` it, or it stops. */
  due: z.literal(true).optional(),
  /** It was due for too long, and is stopped until it is renewed. */
  suspended: z.literal(true).optional(),
});
export type ResourceBilling = z.output<typeof ResourceBilling>;

const ErrorPart = z.looseObject({ code: text(100), message: z.string().max(2000) });

/** What the provider says of a resource. */
export const ResourceResponse = z.discriminatedUnion("status", [
  z.looseObject({
    status: z.literal("complete"),
    id: text(100),
    service_id: text(100),
    complete: z.object({ access_configuration: z.record(z.string(), z.string()) }),
    billing: ResourceBilling.optional(),
  }),
  /** Not ready yet: ask again, after the seconds in `Retry-After`. */
  z.looseObject({ status: z.literal("pending"), id: text(100) }),
  /** Send the order again under the same key, with `submitted_information` that fits the schema. */
  z.looseObject({
    status: z.literal("needs_information"),
    /** Left out by providers that have none yet. */
    id: text(100).optional(),
    /** JSON Schema. */
    needs_information: z.looseObject({ schema: z.record(z.string(), z.json()) }),
  }),
  z.looseObject({ status: z.literal("removed"), id: text(100) }),
  z.looseObject({ status: z.literal("error"), id: z.string().optional(), error: ErrorPart }),
]);
export type ResourceResponse = z.output<typeof ResourceResponse>;

/** `POST /provisioning/deep_links`: a way for the account's owner into the provider's own pages. */
export const DeepLinkRequest = z.looseObject({
  purpose: text(50),
  /** Below the page that the purpose names; a path of the provider's own. */
  path: z.string().max(500).optional(),
});
export type DeepLinkRequest = z.output<typeof DeepLinkRequest>;

/** Opens once. */
export const DeepLink = z.looseObject({
  purpose: text(50),
  url: z.url().max(2000),
  expires_at: z.iso.datetime(),
});
export type DeepLink = z.output<typeof DeepLink>;

/** Such as DATABASE_CONNECTION_STRING: what a variable of a resource is called in an environment, from the resource's name and the variable's key. */
export function variableName(name: string | undefined, key: string): string {
  return name === undefined ? key : `${name.toUpperCase().replaceAll("-", "_")}_${key}`;
}
