/** Changing a resource that is there: another plan or configuration, newer credentials, or its end. Each change is made once for its key. */
import {
  type CatalogProvider,
  parseDecimal,
  priceOf,
  type RemoveOrder,
  type Resource,
  type RotateOrder,
  type Service,
  typedValues,
  underPlans,
  type UpdateOrder,
  isGone,
} from "../protocol/index.ts";
import type { Asker } from "./approvals.ts";
import { agreedOf } from "./agreed-price.ts";
import { type Consents, OWNER } from "./consents.ts";
import { OrchestratorError } from "./error.ts";
import type { MandateOf } from "./identity.ts";
import { USD_DECIMALS } from "./projects.ts";
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
import type { ProviderOf } from "./resources.ts";
import type { Serial } from "./serial.ts";

export class ResourceChanges {
  readonly #parts: ResourceChangesOptions;
  readonly #serial: Serial;

  constructor(parts: ResourceChangesOptions) {
    this.#parts = parts;
    this.#serial = parts.serial;
  }

  async update(
    asker: Asker,
    provider: CatalogProvider,
    row: ResourceRow,
    order: UpdateOrder,
  ): Promise<Resource> {
    const target = this.#target(provider, row, order);
    const configuration = order.configuration ? canonical(order.configuration) : row.configuration;
    const of = { kind: "update" as const, key: order.idempotency_key };
    const hash = digest(
      "update",
      row.id,
      order.service ?? "",
      canonical(order.configuration ?? {}),
    );
    return this.#once(asker, provider, row, { ...of, hash }, async (id) => {
      const values = JSON.parse(configuration) as Record<string, string>;
      const quote = await this.#price(asker, provider, row, target, values, order.quote);
      const mandate = await this.#parts.mandateOf(asker.project, provider.profile.id);
      const sent = typedValues(target.configuration_schema, values);
      const body = { service_id: target.id, configuration: sent, mandate, ...quote?.named };
      const service = `${provider.profile.id}/${target.id}`;
      return {
        id,
        resource: row.id,
        kind: "update",
        path: `${pathOf(row)}/update_service`,
        body: JSON.stringify(body),
        amount: quote?.amount ?? null,
        change: JSON.stringify({ service, configuration, agreed: agreedOf(target, values, quote) }),
      };
    });
  }

  rotate(
    asker: Asker,
    provider: CatalogProvider,
    row: ResourceRow,
    { idempotency_key: key }: RotateOrder,
  ): Promise<Resource> {
    const hash = digest("rotate", row.id);
    return this.#once(asker, provider, row, { kind: "rotate", key, hash }, (id) =>
      Promise.resolve({
        id,
        resource: row.id,
        kind: "rotate",
        path: `${pathOf(row)}/rotate_credentials`,
        body: "{}",
        amount: null,
        change: null,
      }),
    );
  }

  /** An update that was paid for and answered to nobody goes on. What was not paid is left to whoever ordered it. */
  async recover(providerOf: ProviderOf): Promise<void> {
    const { store, work } = this.#parts;
    for (const { project, ...update } of store.openUpdates()) {
      const session = { acceptTerms: undefined };
      const asker: Asker = { project, id: "recovery", agent: OWNER, session };
      await this.#serial
        .run(update.resource, async () => {
          const row = store.find(update.resource);
          const isOpen = store.openWork(update.resource)?.id === update.id;
          if (!row || !isOpen || !(await work.hasPaid(asker, row, update))) return;
          await work.perform(asker, await providerOf(row.provider), row, update);
        })
        // It is tried again when it is asked for, and in a while.
        .catch(() => undefined);
    }
  }

  /** A person confirms what cannot be undone. `providerOf` is asked only where the provider has to hear of it. */
  remove(
    asker: Asker,
    row: ResourceRow,
    { only, confirm = [] }: RemoveOrder,
    providerOf: ProviderOf,
  ): Promise<Resource> {
    const { store, consents, work } = this.#parts;
    return this.#serial.run(row.id, async () => {
      const now = store.find(row.id) ?? row;
      if (isGone(now)) return viewResource(now);
      consents.checkScope(asker, now.provider, "resources");
      if (asker.session && !confirm.includes("destructive")) throw destructive(now, only);
      if (now.providerId === "") throw notReady(now);
      if (only === "credentials") return viewResource(store.keepWithoutSecrets(now));
      if (only === undefined) return work.remove(asker, await providerOf(now.provider), now);
      const open = store.openWork(now.id);
      if (open && (await work.hasPaid(asker, now, open))) throw paymentOpen(now);
      return work.untrack(now);
    });
  }

  #once(
    asker: Asker,
    provider: CatalogProvider,
    row: ResourceRow,
    { key, hash }: { kind: Work["kind"]; key: string; hash: string },
    prepare: (id: string) => Promise<Work>,
  ): Promise<Resource> {
    const { consents, store, work } = this.#parts;
    const { project } = asker;
    return this.#serial.run(row.id, async () => {
      consents.checkScope(asker, provider.profile.id, "resources");
      store.claimChange({ project, key, base: hash, id: row.id });
      const id = `chg_${digest(project, key)}`;
      const now = store.find(row.id) ?? row;
      if (store.isDone(id)) return viewResource(now);
      const open = store.openWork(row.id);
      if (open?.id === id) return work.perform(asker, provider, now, open);
      if (now.status !== "complete") throw notReady(now);
      const next = await prepare(id);
      store.beginWork(next);
      return work.perform(asker, provider, now, next);
    });
  }

  /** What the resource becomes, if the catalog lets it. */
  #target({ profile, services }: CatalogProvider, row: ResourceRow, order: UpdateOrder): Service {
    const ownId = row.service.slice(profile.id.length + 1);
    const wanted = order.service?.startsWith(`${profile.id}/`)
      ? order.service.slice(profile.id.length + 1)
      : (order.service ?? ownId);
    const own = services.find(({ id }) => id === ownId);
    const target = services.find(({ id }) => id === wanted);
    const allowed = own?.allowed_updates?.find(({ service }) => service === wanted);
    const direction = allowed?.direction ?? (wanted === ownId ? "any" : undefined);
    const fits =
      direction !== undefined &&
      (order.direction === "any" || direction === "any" || direction === order.direction);
    if (target && fits)
      return underPlans(profile.id, target, this.#parts.store.held(row.project, profile.id));
    throw new OrchestratorError("UPDATE_NOT_ALLOWED", {
      problem: `${row.service} cannot become ${wanted.slice(0, 100)} like this.`,
      nextStep: "Use a service and a direction of the catalog's allowed_updates.",
      details: { service: row.service },
    });
  }

  async #price(
    asker: Asker,
    provider: CatalogProvider,
    row: ResourceRow,
    service: Service,
    configuration: Record<string, string>,
    id: string | undefined,
  ): Promise<KeptQuote | undefined> {
    const most = priceOf(service, configuration);
    if (!most || parseDecimal(most.amount, USD_DECIMALS) === 0n) return undefined;
    const order = { provider, service, configuration, changes: row.providerId };
    const { quotes, consents } = this.#parts;
    consents.checkScope(asker, provider.profile.id, "payments");
    const quote =
      id === undefined ? await quotes.fix(asker, order) : quotes.named(asker, id, order);
    if (parseDecimal(quote.amount, USD_DECIMALS) === 0n) return undefined;
    if (asker.session && id === undefined) throw confirmationOf(quote);
    return quote;
  }
}

export interface ResourceChangesOptions {
  /** One change of a resource at a time. */
  serial: Serial;
  store: ResourceStore;
  work: ResourceWork;
  quotes: Quotes;
  consents: Consents;
  mandateOf: MandateOf;
}

export function pathOf({ providerId }: ResourceRow): string {
  return `/provisioning/resources/${encodeURIComponent(providerId)}`;
}

function notReady({ id, status }: ResourceRow): OrchestratorError {
  return new OrchestratorError("INVALID_STATE", {
    problem: `The resource ${id} is ${status.replace("_", " ")}.`,
    nextStep: "Read the resource until it is complete, and then change it.",
    details: { resource: id, status },
  });
}

/** What was paid for is waited for: nobody would hear of it afterwards. */
function paymentOpen({ id, service }: ResourceRow): OrchestratorError {
  return new OrchestratorError("INVALID_STATE", {
    problem: `A change of ${service} is paid for and not done yet.`,
    nextStep: "Read the resource until it is done, and give it up then, or remove it.",
    details: { resource: id },
  });
}

function destructive({ id, service }: ResourceRow, only: RemoveOrder["only"]): OrchestratorError {
  const what = {
    credentials: `Forgetting the credentials of ${service}`,
    tracking: `Giving up ${service}, which its provider keeps,`,
    all: `Removing ${service}`,
  }[only ?? "all"];
  return new OrchestratorError("CONFIRMATION_REQUIRED", {
    problem: `${what} cannot be undone, and that has not been confirmed.`,
    nextStep: 'Ask the person, and send confirm: ["destructive"].',
    details: { resource: id, service, confirmations_required: "destructive" },
  });
}
