/** A project's accounts at providers, and which agent may use them for what. */
import type {
  CatalogProvider,
  ChangedConsent,
  ConnectionList,
  ConnectionOrder,
  ConnectionView,
  ConsentList,
  ConsentOrder,
  DeepLink,
  DeepLinkOrder,
  Unlinked,
} from "../../protocol/index.ts";
import { type Connections, notConnected } from "../connections.ts";
import type { Consents } from "../consents.ts";
import { openDeepLink } from "../deep-links.ts";
import type { MergedCatalog } from "../merged-catalog.ts";
import type { ProviderSession } from "../provider-session.ts";
import type { Session } from "../sessions.ts";
import { type Caller, checkProvider, mayUse } from "./caller.ts";
import { askerOf } from "./said.ts";

export class AccountDesk {
  readonly #parts: AccountDeskOptions;

  constructor(parts: AccountDeskOptions) {
    this.#parts = parts;
  }

  async connect(project: string, caller: Caller, order: ConnectionOrder): Promise<ConnectionView> {
    const { catalog, connections } = this.#parts;
    checkProvider(caller, order.provider);
    const { provider } = await catalog.provider(order.provider);
    const asker = askerOf(project, caller, { ...order, grants: true });
    await connections.connect(asker, provider);
    return connections.view(project, order.provider);
  }

  connections(project: string, caller: Caller): ConnectionList {
    const all = this.#parts.connections.views(project);
    return { connections: all.filter(({ provider }) => mayUse(caller, provider)) };
  }

  async unlink(project: string, id: string): Promise<Unlinked> {
    const { connections } = this.#parts;
    return { unlinked: true, told: await connections.unlink(project, id, await this.#found(id)) };
  }

  consents(project: string): ConsentList {
    return { consents: this.#parts.consents.list(project) };
  }

  /** What the agent had ends, here and at the provider; its next call is for what it may do now. */
  async grantConsent(
    project: string,
    { provider, agent, scopes }: ConsentOrder,
  ): Promise<ChangedConsent> {
    const { connections, consents } = this.#parts;
    if (!connections.find(project, provider)) throw notConnected(provider);
    const of = { project, provider, agent };
    const consent = consents.grant({ ...of, scopes });
    const told = await connections.endAgent(of, await this.#found(provider), { forget: false });
    return { ...consent, told };
  }

  async revokeConsent(project: string, id: string): Promise<ChangedConsent> {
    const { connections, consents } = this.#parts;
    const consent = consents.revoke(project, id);
    const { provider, agent } = consent;
    const of = { project, provider, agent };
    // One that was revoked before may have been given anew since.
    if (consents.find(of)) return { ...consent, told: true };
    const told = await connections.endAgent(of, await this.#found(provider), { forget: true });
    return { ...consent, told };
  }

  async deepLink(project: string, session: Session, order: DeepLinkOrder): Promise<DeepLink> {
    const provider = await this.#providerOf(order.provider);
    return openDeepLink(this.#parts, askerOf(project, session, {}), { provider, order });
  }

  readonly #providerOf = async (id: string): Promise<CatalogProvider> =>
    (await this.#parts.catalog.provider(id)).provider;

  /** A provider that can be told something now. */
  async #found(id: string): Promise<CatalogProvider | undefined> {
    const { catalog } = await this.#parts.catalog.read();
    return catalog.providers.find(({ profile }) => profile.id === id);
  }
}

export interface AccountDeskOptions {
  catalog: MergedCatalog;
  connections: Connections;
  consents: Consents;
  session: ProviderSession;
}
