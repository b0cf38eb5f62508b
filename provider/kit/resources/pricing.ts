/** What a service costs when it is ordered, and what it will cost after that: the provider's price function, or else its catalog. */
import {
  CatalogError,
  type Price,
  priceOf,
  type ResourceBilling,
  type Service,
  underPlans,
} from "../../../protocol/index.ts";
import type { OpenedProvider } from "../definition.ts";
import { ProvisioningError } from "../error.ts";
import type { ResourceParts } from "./parts.ts";
import type { ResourceRecord } from "./store.ts";

/** Of a price in dollars, as far as it is compared or added up. */
export const DECIMALS = 6;

export interface Terms {
  /** What is paid before it is provided: decimal text, "0.00" where nothing is. */
  readonly upfront: string;
  readonly kind: "free" | "one_time" | "recurring" | "usage";
  readonly interval?: Price["interval"];
  readonly unit?: string;
  readonly description: string;
  /** What a bill will say; undefined for what is free. */
  readonly billing: Omit<ResourceBilling, "paid_until" | "due" | "suspended"> | undefined;
}

/** The service as a project has it that has these resources, or `plan_required`. */
export function soldTo(
  service: Service,
  { accountId, issuer, project }: Pick<ResourceRecord, "accountId" | "issuer" | "project">,
  { resources, providerId }: Pick<ResourceParts, "resources" | "providerId">,
): Service {
  if (service.pricing.type !== "component") return service;
  const theirs = resources
    .list(accountId)
    .filter((one) => one.issuer === issuer && one.project === project && one.status === "complete");
  try {
    return underPlans(providerId, service, new Set(theirs.map(({ serviceId }) => serviceId)));
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    const { problem, nextStep, details = {} } = error;
    throw new ProvisioningError("plan_required", { problem, nextStep, details });
  }
}

/** Throws `invalid_configuration` where there is no price for it. */
export function termsOf(
  service: Service,
  configuration: Readonly<Record<string, string>>,
  { price: functions }: Pick<OpenedProvider, "price">,
): Terms {
  const own = functions?.[service.id];
  const price = own ? own(configuration) : inCatalog(service, configuration);
  if (!price) return { upfront: "0.00", kind: "free", description: "Free", billing: undefined };
  const { amount, interval, unit, freeform: description } = price;
  const kind = price.kind ?? (interval === "one_time" ? "one_time" : "recurring");
  const unitPart = unit === undefined ? {} : { unit };
  const billing = { kind, amount, currency: "usd" as const, interval, ...unitPart };
  // What is billed by use is paid after it.
  const upfront = kind === "usage" ? "0.00" : amount;
  return { upfront, kind, interval, ...unitPart, description, billing };
}

/** Throws `invalid_configuration` where the catalog has no price for it. */
export function inCatalog(
  service: Service,
  configuration: Readonly<Record<string, string>>,
): Price | null {
  try {
    return priceOf(service, configuration);
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    throw new ProvisioningError("invalid_configuration", {
      problem: error.problem,
      nextStep: error.nextStep,
    });
  }
}

/** When a period that begins at `from` ends (milliseconds); the 31st becomes a shorter month's last day. */
export function endOfPeriod(interval: Price["interval"], from: number): number | undefined {
  if (interval === "one_time") return undefined;
  const end = new Date(from);
  const day = end.getUTCDate();
  end.setUTCMonth(end.getUTCMonth() + (interval === "month" ? 1 : 12));
  if (end.getUTCDate() !== day) end.setUTCDate(0);
  return end.getTime();
}
