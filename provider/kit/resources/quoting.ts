/** `POST /provisioning/quotes`: what one order costs, fixed for as long as the quote holds. */
import { type ProvisioningQuote, QuoteRequest } from "../../../protocol/index.ts";
import { ProvisioningError } from "../error.ts";
import { requireCatalogPrice } from "./catalog-price.ts";
import { checkChange, costsMore } from "./checked-change.ts";
import { checkConfiguration, readBody, serviceFor } from "./order.ts";
import type { Call, ResourceParts } from "./parts.ts";
import { soldTo, type Terms, termsOf } from "./pricing.ts";
import { renewalTerms } from "./renewal.ts";
import { isOf, type ResourceRecord } from "./store.ts";

type Order = QuoteRequest & {
  readonly record: ResourceRecord | undefined;
  readonly connection: Call["connection"];
};

/** What each purpose costs, and the configuration that the quote is for. */
const PURPOSES: Readonly<
  Record<
    QuoteRequest["purpose"],
    (order: Order, parts: ResourceParts) => Promise<{ terms: Terms; configuration: Values }>
  >
> = {
  create: async (order, parts) => {
    const { provider, services } = parts;
    const listed = serviceFor(order.service_id, { services, functions: provider.provide });
    const service = soldTo(listed, order.connection, parts);
    checkConfiguration(service, order.configuration);
    const configuration = { ...order.configuration, ...order.submitted_information };
    return { terms: termsOf(service, configuration, provider), configuration };
  },
  update: async (order, parts) => {
    const record = needed(order);
    const configuration =
      Object.keys(order.configuration).length === 0 ? record.configuration : order.configuration;
    const to = { serviceId: order.service_id, configuration };
    const { terms, from } = checkChange(record, to, parts);
    return { terms: costsMore(terms, from) ? terms : { ...terms, upfront: "0.00" }, configuration };
  },
  renewal: async (order, parts) => {
    const record = needed(order);
    return { terms: await renewalTerms(record, parts), configuration: record.configuration };
  },
};

type Values = Readonly<Record<string, string>>;

export async function quote(call: Call, parts: ResourceParts): Promise<ProvisioningQuote> {
  const { connection } = call;
  const order = readBody(QuoteRequest, call.body);
  const { purpose, service_id, resource_id } = order;
  const found = resource_id === undefined ? undefined : parts.resources.find(resource_id);
  const record = found && isOf(found, connection) ? found : undefined;
  const { terms, configuration } = await PURPOSES[purpose]({ ...order, record, connection }, parts);
  const { provider, services } = parts;
  const listed = serviceFor(service_id, { services, functions: provider.provide });
  const service = soldTo(listed, connection, parts);
  // What was used is billed at the price that the resource has.
  if (purpose !== "renewal" || terms.kind !== "usage")
    requireCatalogPrice(terms, { service, listed }, configuration);
  const { upfront, kind, interval, unit, description } = terms;
  return parts.quotes.give(
    {
      service_id,
      purpose,
      ...(record && purpose !== "create" ? { resource_id: record.id } : {}),
      amount: upfront,
      currency: "usd",
      kind,
      ...(interval === undefined ? {} : { interval }),
      ...(unit === undefined ? {} : { unit }),
      description,
    },
    { connection, configuration },
  );
}

function needed({ record, purpose, service_id }: Order): ResourceRecord {
  if (record && (purpose === "update" || record.serviceId === service_id)) return record;
  throw new ProvisioningError("not_found", {
    problem: "The account has no such resource of this service.",
    nextStep: "Name the resource in resource_id.",
  });
}
