/** The life of a project's resources as its owner asks for it: looked at first, priced, added, changed, renewed and removed. */
import {
  type AddOrder,
  type CatalogProvider,
  type InformationOrder,
  type LinkOrder,
  type Preflight,
  type Quote,
  type QuoteOrder,
  type RemoveOrder,
  type RenewOrder,
  type Resource,
  type ResourceList,
  type RotateOrder,
  type UpdateOrder,
  providerOf,
} from "../../protocol/index.ts";
import type { Connections } from "../connections.ts";
import type { Consents } from "../consents.ts";
import { OrchestratorError } from "../error.ts";
import type { MergedCatalog } from "../merged-catalog.ts";
import type { PaymentMethod } from "../payment-method.ts";
import type { People } from "../people.ts";
import { preflight } from "../preflight.ts";
import type { ProviderRegistry } from "../provider-registry.ts";
import type { Quotes } from "../quotes.ts";
import type { ResourceChanges } from "../resource-changes.ts";
import type { ResourceRenewal } from "../resource-renewal.ts";
import type { Resources } from "../resources.ts";
import type { Session } from "../sessions.ts";
import type { Spending } from "../spending.ts";
import type { Terms } from "../terms.ts";
import { type Caller, checkProvider, mayUse } from "./caller.ts";
import { askerOf } from "./said.ts";

export class ResourceDesk {
  readonly #parts: ResourceDeskOptions;

  constructor(parts: ResourceDeskOptions) {
    this.#parts = parts;
  }

  async preflight(project: string, order: AddOrder): Promise<Preflight> {
    const entry = await this.#parts.catalog.service(order.service);
    return preflight(this.#parts, project, entry, order);
  }

  /** Where a price is fixed there is an account: a provider quotes to nobody else. */
  async quote(project: string, session: Session, order: QuoteOrder): Promise<Quote> {
    const { catalog, connections, quotes, resources } = this.#parts;
    const entry = await catalog.service(order.service);
    const { provider } = entry;
    const service = resources.sold(project, entry);
    const changes =
      order.resource === undefined ? undefined : resources.row(project, order.resource).providerId;
    if (!connections.find(project, provider.profile.id)) throw notLinked(provider.profile.id);
    const { configuration } = order;
    const asker = askerOf(project, session, {});
    const fixed = await quotes.fix(asker, { provider, service, configuration, changes });
    const { named: _named, ...quote } = fixed;
    return quote;
  }

  async add(project: string, caller: Caller, order: AddOrder): Promise<Resource> {
    const { catalog, consents, resources } = this.#parts;
    const provider = providerOf(order.service);
    checkProvider(caller, provider);
    const entry = await catalog.service(order.service);
    const said = { ...order, configuration: order.provider_configuration };
    const asker = askerOf(project, caller, said);
    consents.checkScope(asker, provider, "resources");
    return resources.add(asker, entry, order);
  }

  list(project: string, caller: Caller): ResourceList {
    const all = this.#parts.resources.list(project);
    return { resources: all.filter(({ service }) => mayUse(caller, providerOf(service))) };
  }

  async find(project: string, caller: Caller, id: string): Promise<Resource> {
    const { resources } = this.#parts;
    checkProvider(caller, resources.row(project, id).provider);
    return resources.find(askerOf(project, caller, {}), id, this.#providerOf);
  }

  async update(
    project: string,
    session: Session,
    id: string,
    order: UpdateOrder,
  ): Promise<Resource> {
    const row = this.#parts.resources.row(project, id);
    const asker = askerOf(project, session, {});
    return this.#parts.changes.update(asker, await this.#providerOf(row.provider), row, order);
  }

  async rotate(
    project: string,
    session: Session,
    id: string,
    order: RotateOrder,
  ): Promise<Resource> {
    const row = this.#parts.resources.row(project, id);
    const asker = askerOf(project, session, {});
    return this.#parts.changes.rotate(asker, await this.#providerOf(row.provider), row, order);
  }

  async renew(project: string, session: Session, id: string, order: RenewOrder): Promise<Resource> {
    const row = this.#parts.resources.row(project, id);
    const asker = askerOf(project, session, {});
    return this.#parts.renewal.renew(asker, await this.#providerOf(row.provider), row, order);
  }

  async remove(
    project: string,
    session: Session,
    id: string,
    order: RemoveOrder,
  ): Promise<Resource> {
    const row = this.#parts.resources.row(project, id);
    const asker = askerOf(project, session, {});
    return this.#parts.changes.remove(asker, row, order, this.#providerOf);
  }

  submitInformation(
    project: string,
    session: Session,
    id: string,
    { information }: InformationOrder,
  ): Promise<Resource> {
    const asker = askerOf(project, session, {});
    return this.#parts.resources.submit(asker, id, information, this.#providerOf);
  }

  async link(project: string, session: Session, order: LinkOrder): Promise<Resource> {
    const entry = await this.#parts.catalog.service(order.service);
    return this.#parts.resources.link(askerOf(project, session, {}), entry, order);
  }

  readonly #providerOf = async (id: string): Promise<CatalogProvider> =>
    (await this.#parts.catalog.provider(id)).provider;
}

export interface ResourceDeskOptions {
  catalog: MergedCatalog;
  connections: Connections;
  consents: Consents;
  resources: Resources;
  changes: ResourceChanges;
  renewal: ResourceRenewal;
  quotes: Quotes;
  people: People;
  terms: Terms;
  payment: PaymentMethod;
  spending: Spending;
  registry: ProviderRegistry;
}

function notLinked(provider: string): OrchestratorError {
  return new OrchestratorError("PROVIDER_NOT_LINKED", {
    problem: `The project has no account at ${provider}, and a price is fixed for an account.`,
    nextStep: "Link the provider first; the preflight says the catalog's price.",
    details: { provider },
  });
}
