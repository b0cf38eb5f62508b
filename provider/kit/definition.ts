/**
 * What makes one provider differ from the next: its name and terms, its catalog, its own API, and how it provides the services
 * that are added through an orchestrator. Everything else (identity, OAuth, mandates, spending, resources) is the kit's.
 */
import type { RequestHandler } from "express";
import type { z } from "zod";
import type { Service } from "../../protocol/index.ts";
import type { ProviderKit } from "./kit.ts";

export interface ProviderDefinition<Opened extends OpenedProvider = OpenedProvider> {
  /** Such as "cloudflare"; a mandate's audience and the first half of every service reference. */
  readonly id: string;
  readonly name: string;
  /** Changing the version asks every human again. */
  readonly termsVersion: string;
  /** The catalog, cheapest first where several do the same. */
  readonly services: readonly CatalogEntry[];
  /** Where the short form of the catalog stands, as the provider would put it below its own API. */
  readonly shortCatalogPath?: string;
  /** Opens the provider's own part: its API and its way of providing services. */
  open(kit: ProviderKit): Opened | Promise<Opened>;
}

/** A catalog entry as it is written down: what has a default may be left out. */
export type CatalogEntry = z.input<typeof Service>;

export interface OpenedProvider {
  /** The provider's own API, mounted at the root of its server. */
  readonly api?: RequestHandler;
  /** By service id: provides the service and returns its access configuration. Called again for the same id after a crash. */
  readonly provide: Readonly<Record<string, Provide>>;
  /** By service id: takes a provided service away again. */
  readonly withdraw?: Readonly<Record<string, Withdraw>>;
  close?(): void | Promise<void>;
}

export interface ProvisionOrder {
  /** The resource's id, the same when the order is repeated. */
  readonly id: string;
  readonly accountId: string;
  readonly configuration: Readonly<Record<string, string>>;
}

/** Throws a `ProvisioningError` when the service cannot be provided like this. */
export type Provide = (
  order: ProvisionOrder,
) => Record<string, string> | Promise<Record<string, string>>;

export type Withdraw = (order: ProvisionOrder) => void | Promise<void>;
