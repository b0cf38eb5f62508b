/** What a resource may become, by the catalog's `allowed_updates` and the provider's own functions, and whether that costs more than before. */
import type { Service } from "../../../protocol/index.ts";
import type { Access } from "../definition.ts";
import { ProvisioningError } from "../error.ts";
import { isNothing } from "./create.ts";
import { checkConfiguration, serviceFor } from "./order.ts";
import type { ResourceParts } from "./parts.ts";
import { soldTo, type Terms, termsOf } from "./pricing.ts";
import type { ResourceRecord } from "./store.ts";
import { requirePaid } from "./unpaid.ts";

/** What a resource is to become. */
export interface Becoming {
  readonly serviceId: string;
  readonly configuration: Access;
}

/** What it costs now and would cost, or `update_not_allowed`. */
export function checkChange(
  record: ResourceRecord,
  to: Becoming,
  parts: ResourceParts,
): { terms: Terms; from: Terms } {
  const { services, provider } = parts;
  if (record.status !== "complete") {
    throw new ProvisioningError("invalid_state", {
      problem: "Only a resource that is complete can be changed.",
      nextStep: "Ask after it first.",
    });
  }
  requirePaid(record);
  const before = serviceFor(record.serviceId, { services, functions: provider.provide });
  const after = serviceFor(to.serviceId, { services, functions: provider.provide });
  if (!isAllowed(before, after, provider)) {
    throw new ProvisioningError("update_not_allowed", {
      problem: `A ${before.id} cannot become a ${after.id}.`,
      nextStep: "Use a service of the catalog's allowed_updates, or add another resource.",
    });
  }
  checkConfiguration(after, to.configuration);
  const whole = (values: Access) => ({ ...values, ...record.information });
  return {
    terms: termsOf(soldTo(after, record, parts), whole(to.configuration), provider),
    from: termsOf(soldTo(before, record, parts), whole(record.configuration), provider),
  };
}

function isAllowed(
  before: Service,
  after: Service,
  { update }: ResourceParts["provider"],
): boolean {
  if (before.id === after.id) return update !== undefined && Object.hasOwn(update, before.id);
  return before.allowed_updates?.some(({ service }) => service === after.id) === true;
}

/** Compared as decimal text of the same currency: what is due before a period. */
export function costsMore(terms: Terms, from: Terms): boolean {
  if (isNothing(terms.upfront)) return false;
  const [a, b] = [terms.upfront, from.upfront].map((amount) => {
    const [whole = "", fraction = ""] = amount.split(".");
    return BigInt(whole + fraction.padEnd(6, "0"));
  });
  return a! > b!;
}
