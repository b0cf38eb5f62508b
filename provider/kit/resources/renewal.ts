/**
 * The next period of a resource that is billed by the month or the year, or what was used of one that is billed by use. Nobody can pull
 * money here: the orchestrator asks for a quote when it is due, and pays it. What stays unpaid is the provider's to stop.
 */
import { formatDecimal, parseDecimal, ResourceRenewal } from "../../../protocol/index.ts";
import { describeError, ENVELOPES, ProvisioningError } from "../error.ts";
import { renewMandate } from "../mandates.ts";
import type { Quoted, Ware } from "../till.ts";
import { alreadyOrdered, isNothing, quoteUnknown } from "./create.ts";
import { describeResource } from "./describe.ts";
import { type Lifecycle, orderOf } from "./lifecycle.ts";
import { readBody, serviceFor } from "./order.ts";
import { bringsPayment, type Call, type ResourceParts } from "./parts.ts";
import { DECIMALS, endOfPeriod, soldTo, type Terms, termsOf } from "./pricing.ts";
import { QUOTE_LIFETIME_MS } from "./quotes.ts";
import type { ResourceRecord } from "./store.ts";
import { resume } from "./unpaid.ts";

export interface Renewal {
  readonly resourceId: string;
  /** What it was paid until. */
  readonly paidUntil: number;
  /** The period that follows. */
  readonly from: number;
  readonly until: number;
  readonly quoteId: string;
}

/** What renewing costs now, or `invalid_state` where nothing is billed by the period. */
export async function renewalTerms(record: ResourceRecord, parts: ResourceParts): Promise<Terms> {
  const { provider, services, now } = parts;
  const listed = serviceFor(record.serviceId, { services, functions: provider.provide });
  const service = soldTo(listed, record, parts);
  const order = orderOf(record);
  const terms = termsOf(service, order.configuration, provider);
  const { paidUntil, status, billing } = record;
  if (status !== "complete" || paidUntil === undefined || !billing) throw notBilled();
  if (billing.kind !== "usage") return { ...terms, upfront: terms.billing?.amount ?? "0.00" };
  const since = record.billedFrom ?? record.createdAt;
  const units = (await provider.usage?.[service.id]?.(order, since)) ?? 0n;
  const amount = formatDecimal(units * parseDecimal(billing.amount, DECIMALS), DECIMALS);
  const period = `${new Date(since).toISOString()} to ${new Date(now()).toISOString()}`;
  return { ...terms, upfront: amount, description: `${units} used, ${period}` };
}

/** What is sold: a period, once. */
export async function renew(
  call: Call,
  record: ResourceRecord,
  parts: ResourceParts,
  lifecycle: Lifecycle,
): Promise<ResourceRecord | (() => Promise<Quoted<Renewal>>)> {
  const { connection } = call;
  const order = readBody(ResourceRenewal, call.body);
  await renewMandate(order.mandate, call, parts);
  if (!parts.quotes.isOf(order.quote_id, connection)) throw quoteUnknown();
  const ask = () =>
    lifecycle.inTurn(record.id, async () => {
      const { paidUntil, billing, status, serviceId, configuration } = parts.resources.find(
        record.id,
      )!;
      if (status !== "complete" || paidUntil === undefined || !billing) throw notBilled();
      const said = parts.quotes.check(
        {
          ...order,
          purpose: "renewal",
          service_id: serviceId,
          resource_id: record.id,
          configuration,
        },
        connection,
      );
      // Late or early, a period follows the one before; what was used is paid up to the quote.
      const quotedAt = Date.parse(said.expires_at) - QUOTE_LIFETIME_MS;
      const from = billing.kind === "usage" ? quotedAt : paidUntil;
      const until = endOfPeriod(billing.interval ?? "month", from) ?? from;
      const renewal = { resourceId: record.id, paidUntil, from, until, quoteId: said.id };
      const priced = { service: serviceId, amount: said.amount, description: said.description };
      return { connection, inputs: {}, priced, order: renewal };
    });
  if (bringsPayment(call.request)) return ask;
  const quoted = await ask();
  if (!isNothing(quoted.priced.amount)) return ask;
  // Nothing was used, so there is nothing to sell.
  const { order: free } = quoted;
  parts.quotes.use(free.quoteId, `free ${record.id}`);
  return deliver(free, parts);
}

/** The next period is the buyer's. */
function deliver({ resourceId, from, until }: Renewal, { resources }: ResourceParts) {
  const before = resources.find(resourceId)!;
  const next: ResourceRecord = { ...before, paidUntil: until, billedFrom: from };
  resources.save(next);
  return next;
}

export function renewalWare(
  parts: ResourceParts,
  lifecycle: Lifecycle,
  quote: Ware<Renewal>["quote"],
): Ware<Renewal> {
  const { quotes, resources, now } = parts;
  return {
    name: "resource-renewals",
    quote,
    refuse: (error) => describeError(error, ENVELOPES.status),
    hold: ({ order: { quoteId, resourceId, paidUntil }, payment }) => {
      quotes.use(quoteId, payment);
      if (resources.find(resourceId)?.paidUntil !== paidUntil) throw alreadyOrdered();
    },
    prepare: ({ order: { resourceId } }) =>
      lifecycle.inTurn(resourceId, () => resume(resources.find(resourceId)!, parts)),
    deliver: ({ order }) => {
      return { status: 200, body: describeResource(deliver(order, parts), now()) };
    },
    release: ({ order: { quoteId }, payment }) => quotes.giveBack(quoteId, payment),
  };
}

function notBilled(): ProvisioningError {
  return new ProvisioningError("invalid_state", {
    problem: "The resource is not billed by the period, or is gone.",
    nextStep: "Ask after it; there is nothing to renew.",
  });
}
