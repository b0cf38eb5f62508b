/**
 * A resource is what a provider made for a project: a plan, a store, a database. Adding the same service with the same
 * configuration twice is adding it once, whichever key the agent sends and wherever a crash fell in between; what costs money is
 * paid once, at its quote.
 */
import {
  type AddOrder,
  type CatalogProvider,
  type LinkOrder,
  type Resource,
  type ResourceOrder,
  type Service,
  typedValues,
  underPlans,
} from "../protocol/index.ts";
import type { Asker } from "./approvals.ts";
import { agreedOf } from "./agreed-price.ts";
import type { Connections } from "./connections.ts";
import { type Consents, OWNER } from "./consents.ts";
import { OrchestratorError } from "./error.ts";
import type { MandateOf } from "./identity.ts";
import type { PaymentMethod } from "./payment-method.ts";
import { confirmationOf, type KeptQuote, type Quotes } from "./quotes.ts";
import {
  canonical,
  digest,
  type ResourceRow,
  type ResourceStore,
  viewResource,
  type Work,
} from "./resource-store.ts";
import type { ResourceWork } from "./resource-work.ts";
import { Serial } from "./serial.ts";
import { checkConfiguration } from "./service-configuration.ts";

interface Entry {
  provider: CatalogProvider;
  service: Service;
}

/** A run's order has no name and no quote: it is paid within the run's budget. */
type Order = ResourceOrder & Partial<Pick<AddOrder, "name" | "quote" | "confirm">>;

export class Resources {
  readonly #parts: ResourcesOptions;
  readonly #serial = new Serial();

  constructor(parts: ResourcesOptions) {
    this.#parts = parts;
  }

  list(project: string): Resource[] {
    return this.#parts.store.list(project).map(viewResource);
  }

  /** Adds a service, or answers the resource that the project already has of it. */
  add(asker: Asker, entry: Entry, order: Order): Promise<Resource> {
    const check = async () => {
      const named = `${entry.provider.profile.id}/${entry.service.id}`;
      checkConfiguration(named, entry.service, order.configuration);
      checkAddable(entry);
      const { provider } = entry;
      const service = this.sold(asker.project, entry);
      const reference = `${provider.profile.id}/${service.id}`;
      const pays = service.pricing.type !== "free" || service.requires_payment_method;
      if (service.pricing.type !== "free")
        this.#parts.consents.checkScope(asker, provider.profile.id, "payments");
      if (pays) await this.#parts.payment.need(asker, provider.profile.id, reference);
    };
    return this.#make(asker, entry, order, { kind: "create", check }, async (configuration) => {
      const { provider } = entry;
      const sold = { provider, service: this.sold(asker.project, entry) };
      const quote = await this.#price(asker, sold, configuration, order);
      const mandate = await this.#parts.mandateOf(asker.project, entry.provider.profile.id);
      const body = {
        service_id: entry.service.id,
        configuration: typedValues(entry.service.configuration_schema, configuration),
        project_id: asker.project,
        mandate,
        ...quote?.named,
      };
      const agreed = agreedOf(sold.service, configuration, quote);
      return { body, amount: quote?.amount ?? null, agreed };
    });
  }

  /** The service with the price that it has for this project, or `PLAN_REQUIRED`. */
  sold(project: string, { provider: { profile }, service }: Entry): Service {
    if (service.pricing.type !== "component") return service;
    return underPlans(profile.id, service, this.#parts.store.held(project, profile.id));
  }

  /** Takes in what the account has already. */
  link(asker: Asker, entry: Entry, order: LinkOrder): Promise<Resource> {
    return this.#make(asker, entry, order, { kind: "link" }, (configuration) =>
      Promise.resolve({
        body: {
          service_id: entry.service.id,
          configuration: typedValues(entry.service.configuration_schema, configuration),
          submitted_information: order.information ?? {},
        },
        amount: null,
        agreed: null,
      }),
    );
  }

  /** The resource as it is; one that is not ready is asked for anew. */
  async find(asker: Asker, id: string, providerOf: ProviderOf): Promise<Resource> {
    const row = this.row(asker.project, id);
    return this.#serial.run(row.base, async () => this.#resume(asker, row, providerOf));
  }

  /** Answers what the provider asked before it goes on. */
  async submit(
    asker: Asker,
    id: string,
    information: Record<string, string>,
    providerOf: ProviderOf,
  ): Promise<Resource> {
    const row = this.row(asker.project, id);
    return this.#serial.run(row.base, async () => {
      const now = this.row(asker.project, id);
      const work = this.#parts.store.openWork(id);
      if (now.status !== "needs_information" || !work) throw notAsked(id);
      const body = JSON.parse(work.body) as Record<string, unknown>;
      const submitted_information = {
        ...(body["submitted_information"] as object),
        ...typedValues(JSON.parse(now.needs ?? "{}") as Record<string, unknown>, information),
      };
      const next = { ...work, body: JSON.stringify({ ...body, submitted_information }) };
      this.#parts.store.beginWork(next);
      return this.#parts.work.perform(asker, await providerOf(now.provider), now, next);
    });
  }

  /** What a crash left open goes on: what is free, and what was paid for. What was not paid is left to whoever ordered it. */
  async recover(providerOf: ProviderOf): Promise<void> {
    for (const { project, ...work } of this.#parts.store.allOpenWork()) {
      const session = { acceptTerms: undefined };
      const asker: Asker = { project, id: "recovery", agent: OWNER, session };
      const row = this.row(project, work.resource);
      try {
        const provider = await providerOf(row.provider);
        await this.#serial.run(row.base, async () => {
          // Whoever ordered it may have ended it by now.
          const now = this.#parts.store.openWork(row.id)?.id === work.id;
          const open = now && (await this.#parts.work.mayResume(asker, row, work));
          if (open)
            await this.#parts.work.perform(asker, provider, this.row(project, row.id), work);
        });
      } catch {
        // It is tried again when it is asked for, and in a while.
      }
    }
  }

  /** The project's own, or `RESOURCE_NOT_FOUND`. */
  row(project: string, id: string): ResourceRow {
    const row = this.#parts.store.find(id);
    if (row?.project === project) return row;
    throw new OrchestratorError("RESOURCE_NOT_FOUND", {
      problem: `The project has no resource "${id.slice(0, 100)}".`,
      nextStep: "List the project's resources.",
    });
  }

  #make(
    asker: Asker,
    { provider, service }: Entry,
    order: Pick<Order, "name" | "configuration" | "idempotency_key">,
    { kind, check }: { kind: "create" | "link"; check?: () => Promise<void> },
    prepare: (
      configuration: Record<string, string>,
    ) => Promise<{ body: object; amount: string | null; agreed: string | null }>,
  ): Promise<Resource> {
    const { connections, consents, store, work } = this.#parts;
    const { project } = asker;
    const reference = `${provider.profile.id}/${service.id}`;
    const configuration = canonical(order.configuration);
    const parts = [project, reference, configuration];
    if (order.name !== undefined) parts.push(order.name);
    if (kind === "link") parts.push("link", order.idempotency_key);
    const base = digest(...parts);
    return this.#serial.run(base, async () => {
      const id = store.claim({ project, key: order.idempotency_key, base });
      const known = store.find(id);
      if (known) return this.#resume(asker, known, () => Promise.resolve(provider));
      await check?.();
      await connections.connect(asker, provider);
      consents.checkScope(asker, provider.profile.id, "resources");
      const { body, amount, agreed } = await prepare(
        JSON.parse(configuration) as Record<string, string>,
      );
      const row: ResourceRow = {
        id,
        project,
        base,
        name: order.name ?? null,
        provider: provider.profile.id,
        providerId: "",
        service: reference,
        configuration,
        status: "creating",
        access: "{}",
        needs: null,
        billing: null,
        paidUntil: null,
        agreed,
        renewalProblem: null,
      };
      const path = kind === "create" ? "/provisioning/resources" : "/provisioning/resources/link";
      const text = JSON.stringify(body);
      const next: Work = { id, resource: id, kind, path, body: text, amount, change: null };
      store.begin(row, next);
      return work.perform(asker, provider, row, next);
    });
  }

  async #resume(asker: Asker, before: ResourceRow, providerOf: ProviderOf): Promise<Resource> {
    const { store, work } = this.#parts;
    const row = store.find(before.id) ?? before;
    if (row.status === "creating") {
      const open = store.openWork(row.id);
      if (open) return work.perform(asker, await providerOf(row.provider), row, open);
    }
    if (row.status === "pending") return work.refresh(asker, await providerOf(row.provider), row);
    return viewResource(row);
  }

  /** The quote to pay by; undefined where it is free. A person confirms a price; a run has its budget. */
  async #price(
    asker: Asker,
    { provider, service }: Entry,
    configuration: Record<string, string>,
    { quote: id }: Order,
  ): Promise<KeptQuote | undefined> {
    if (service.pricing.type === "free") return undefined;
    const { quotes } = this.#parts;
    const order = { provider, service, configuration };
    const quote =
      id === undefined ? await quotes.fix(asker, order) : quotes.named(asker, id, order);
    if (/^[0.]+$/.test(quote.amount)) return quote;
    if (asker.session && id === undefined) throw confirmationOf(quote);
    return quote;
  }
}

export type ProviderOf = (provider: string) => Promise<CatalogProvider>;

export interface ResourcesOptions {
  store: ResourceStore;
  work: ResourceWork;
  quotes: Quotes;
  connections: Connections;
  consents: Consents;
  payment: PaymentMethod;
  mandateOf: MandateOf;
}

/** What an agent must buy at the provider itself is not added here. */
function checkAddable({ provider, service }: Entry): void {
  if (!service.operations["create"]) return;
  const reference = `${provider.profile.id}/${service.id}`;
  throw new OrchestratorError("BOUGHT_AT_PROVIDER", {
    problem: `${reference} is had by calling its own "create" operation, not by adding it here.`,
    nextStep: "Call the operation with the account's credential.",
  });
}

function notAsked(id: string): OrchestratorError {
  return new OrchestratorError("INVALID_STATE", {
    problem: `The provider asks nothing about the resource "${id.slice(0, 100)}".`,
    nextStep: "Read the resource's state.",
  });
}
