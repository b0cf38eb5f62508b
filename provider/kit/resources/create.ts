/**
 * Making a resource, by order or by adopting what is there. The idempotency key decides what is the same order: it gets the same
 * answer, also after a crash, and is never done twice. What costs money is sold at its quote: it is provided, then the payment
 * settles, then it is the buyer's; where either fails, neither has happened.
 */
import { createHash } from "node:crypto";
import { digestOf, ResourceLinkRequest, ResourceRequest } from "../../../protocol/index.ts";
import { describeError, ENVELOPES, ProvisioningError } from "../error.ts";
import type { Quoted, Ware } from "../till.ts";
import { renewMandate } from "../mandates.ts";
import { requireCatalogPrice } from "./catalog-price.ts";
import { describeResource } from "./describe.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { checkConfiguration, keyConflict, readBody, readKey, serviceFor } from "./order.ts";
import { bringsPayment, type Call, type ResourceParts } from "./parts.ts";
import { checkPayable } from "./payable.ts";
import { endOfPeriod, soldTo, termsOf } from "./pricing.ts";
import type { ResourceRecord } from "./store.ts";

export interface CreateOrder {
  /** As it will be once it is provided and paid. */
  readonly record: Omit<ResourceRecord, "sale">;
  readonly quoteId: string;
}

/** Has it made, or says what must be paid first. */
export async function createResource(
  call: Call,
  parts: ResourceParts,
  lifecycle: Lifecycle,
): Promise<ResourceRecord | (() => Promise<Quoted<CreateOrder>>)> {
  const { connection, request } = call;
  const order = readBody(ResourceRequest, call.body);
  const draft = await begin(call, order, "create", parts);
  await renewMandate(order.mandate, call, parts);
  return lifecycle.inTurn(draft.id, async () => {
    const known = parts.resources.find(draft.id);
    if (known && known.fingerprint !== draft.fingerprint) throw keyConflict();
    if (known?.status === "lapsed") await lifecycle.withdraw(known);
    else if (known && known.status !== "needs_information" && !bringsPayment(request))
      return lifecycle.refresh(known);
    const { provider, quotes, resources, services } = parts;
    const service = serviceFor(order.service_id, { services, functions: provider.provide });
    const information = { ...known?.information, ...order.submitted_information };
    const record = { ...draft, information };
    const configuration = { ...record.configuration, ...information };
    const missing = provider.needs?.[service.id]?.({
      accountId: connection.accountId,
      configuration,
      purpose: "create",
    });
    if (missing) return keep({ ...record, status: "needs_information", needs: missing }, parts);
    const sold = soldTo(service, connection, parts);
    const terms = termsOf(sold, configuration, provider);
    const { billing, upfront } = terms;
    const whole = { ...record, billing, paidUntil: billing && firstPeriod(billing, parts.now()) };
    if (isNothing(upfront)) {
      // What is billed by use needs no quote.
      requireCatalogPrice(terms, { service: sold, listed: service }, configuration);
      const made = await lifecycle.ask(whole, provider.provide[service.id]!);
      return keep(made, parts);
    }
    checkPayable(call);
    const { quote_id, quote_hash } = order;
    if (quote_id !== undefined && !quotes.isOf(quote_id, connection)) throw quoteUnknown();
    return async () => {
      const open = resources.find(draft.id);
      if (open && open.status !== "needs_information") throw alreadyOrdered();
      const named = { ...order, configuration, quote_id, quote_hash };
      const said = quotes.check(
        { ...named, purpose: "create", resource_id: undefined },
        connection,
      );
      const priced = { service: service.id, amount: said.amount, description: said.description };
      return { connection, inputs: {}, priced, order: { record: whole, quoteId: said.id } };
    };
  });
}

/** Makes a resource of what the account has already. */
export async function linkResource(
  call: Call,
  parts: ResourceParts,
  lifecycle: Lifecycle,
): Promise<ResourceRecord> {
  const order = readBody(ResourceLinkRequest, call.body);
  const { provider, resources, services } = parts;
  const adopt = provider.adopt?.[order.service_id];
  if (!adopt) {
    throw new ProvisioningError("not_supported", {
      problem: "Nothing of this service that is there already can be made a resource.",
      nextStep: "Create a new one.",
    });
  }
  const service = serviceFor(order.service_id, { services, functions: provider.adopt });
  const draft = await begin(call, order, "link", parts);
  return lifecycle.inTurn(draft.id, async () => {
    const known = resources.find(draft.id);
    if (known && known.fingerprint !== draft.fingerprint) throw keyConflict();
    if (known && known.status !== "needs_information") return known;
    const information = { ...known?.information, ...order.submitted_information };
    const configuration = { ...order.configuration, ...information };
    const { accountId } = call.connection;
    const missing = provider.needs?.[service.id]?.({ accountId, configuration, purpose: "link" });
    const record = { ...draft, information };
    if (missing) return keep({ ...record, status: "needs_information", needs: missing }, parts);
    return keep(await lifecycle.ask(record, adopt), parts);
  });
}

/** How it is sold. */
export function resourceWare(
  parts: ResourceParts,
  lifecycle: Lifecycle,
  quote: Ware<CreateOrder>["quote"],
): Ware<CreateOrder> {
  const { provider, quotes, resources, now } = parts;
  const isOurs = (id: string, payment: string) => resources.find(id)?.payment === payment;
  return {
    name: "resources",
    quote,
    refuse: (error) => describeError(error, ENVELOPES.status),
    hold: ({ order: { record, quoteId }, payment }) => {
      quotes.use(quoteId, payment);
      const open = resources.find(record.id);
      if (open?.payment === payment && open.status === "ordered") return;
      if (open && open.status !== "needs_information") throw alreadyOrdered();
      resources.save({ ...record, status: "ordered", payment });
    },
    prepare: async ({ order: { record } }) => {
      await lifecycle.inTurn(record.id, async () => {
        const held = resources.find(record.id)!;
        const made = await lifecycle.ask(held, provider.provide[record.serviceId]!);
        // It is the buyer's only once the money has moved.
        const { access, retryAfterSeconds } = made;
        resources.save({ ...held, access, retryAfterSeconds, needs: undefined });
      });
    },
    deliver: ({ order: { record }, sale }) => {
      const held = resources.find(record.id)!;
      const status = held.retryAfterSeconds === undefined ? "complete" : "pending";
      const paidUntil = record.billing && firstPeriod(record.billing, now());
      const sold: ResourceRecord = { ...held, status, sale, paidUntil };
      resources.save(sold);
      return { status: 200, body: describeResource(sold, now()) };
    },
    release: ({ order: { record, quoteId }, payment }) => {
      quotes.giveBack(quoteId, payment);
      const held = resources.find(record.id);
      if (held && isOurs(record.id, payment)) resources.save({ ...held, status: "lapsed" });
    },
  };
}

function firstPeriod(
  { kind, interval = "one_time" }: NonNullable<ResourceRecord["billing"]>,
  now: number,
): number | undefined {
  return kind === "one_time" ? undefined : endOfPeriod(interval, now);
}

/** The record of an order, before anything is known of it. */
async function begin(
  { connection, request }: Call,
  { service_id: serviceId, configuration }: { service_id: string; configuration: Values },
  purpose: "create" | "link",
  { services, provider, now }: ResourceParts,
): Promise<ResourceRecord> {
  const key = readKey(request);
  const functions = purpose === "create" ? provider.provide : provider.adopt;
  checkConfiguration(serviceFor(serviceId, { services, functions }), configuration);
  const { accountId, issuer, project } = connection;
  return {
    id: `res_${hashOf([issuer, accountId, project, key])}`,
    accountId,
    issuer,
    project,
    serviceId,
    fingerprint: digestOf(JSON.stringify([purpose, serviceId, configuration])),
    configuration,
    status: "ordered",
    createdAt: now(),
  };
}

type Values = Readonly<Record<string, string>>;

function keep(record: ResourceRecord, { resources }: ResourceParts): ResourceRecord {
  resources.save(record);
  return record;
}

export function isNothing(amount: string): boolean {
  return /^0+(\.0+)?$/.test(amount);
}

export function hashOf(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

export function quoteUnknown(): ProvisioningError {
  return new ProvisioningError("quote_unknown", {
    problem: "The project was given no such quote.",
    nextStep: "Ask for a quote with this account's token.",
  });
}

export function alreadyOrdered(): ProvisioningError {
  return new ProvisioningError("already_ordered", {
    problem: "It is bought already, or another payment is buying it.",
    nextStep: "Send the first payment again, or ask after the resource; do not pay twice.",
  });
}
