/**
 * What makes one provider differ from the next: its name and terms, its catalog, its own API, and how it provides the services
 * that are added through an orchestrator. Everything else (identity, OAuth, mandates, spending, resources) is the kit's.
 */
import type { RequestHandler } from "express";
import type { z } from "zod";
import type { Price, Service } from "../../protocol/index.ts";
import type { ProviderKit } from "./kit.ts";

export interface ProviderDefinition<Opened extends OpenedProvider = OpenedProvider> {
  /** Such as "cloudflare"; a mandate's audience and the first half of every service reference. */
  readonly id: string;
  readonly name: string;
  /** Changing the version asks every human again. */
  readonly termsVersion: string;
  /** What a new account can be set up with, such as a region; `kit.accounts` has what it was. Without it, nothing. */
  readonly accountConfiguration?: JsonSchema;
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
  readonly provide: ByService<Provide>;
  /** By service id: takes a service away again, also one whose providing was never finished or never paid. */
  readonly withdraw?: ByService<Withdraw>;
  /** By service id: stops what was not paid for, so that it can go on later. Where there is none, it runs on until it is withdrawn. */
  readonly suspend?: ByService<Withdraw>;
  /** By service id: lets it go on; by default `provide` does. */
  readonly resume?: ByService<Provide>;
  /** By service id: what it costs, where the catalog's own prices cannot say it. Asked for a quote, never after it. */
  readonly price?: ByService<PriceFunction>;
  /** By service id: the JSON Schema of what is still missing before it can be priced and provided, if anything is. */
  readonly needs?: ByService<Needs>;
  /** By the service that a resource has: makes another service or configuration of it. By default the other one's `provide` does. */
  readonly update?: ByService<Update>;
  /** By service id: new credentials for a resource; the old ones stop working. */
  readonly rotate?: ByService<Provide>;
  /** By service id: makes a resource of something that the account has already. */
  readonly adopt?: ByService<Provide>;
  /** By service id, for what is billed by use: the units used since `since` (milliseconds), a whole number. */
  readonly usage?: ByService<Usage>;
  close?(): void | Promise<void>;
}

export type ByService<Value> = Readonly<Record<string, Value>>;

export interface ProvisionOrder {
  /** The resource's id, the same when the order is repeated. */
  readonly id: string;
  readonly accountId: string;
  /** What was ordered, together with the information that `needs` asked for; a number or a boolean of the schema as its text. */
  readonly configuration: Readonly<Record<string, string>>;
}

/** It is being provided; `provide` is asked again when somebody asks after it. */
export class Pending {
  readonly retryAfterSeconds: number;

  constructor({ retryAfterSeconds = 5 }: { retryAfterSeconds?: number } = {}) {
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** What a client needs to reach a resource: names and values, as an environment has them. */
export type Access = Readonly<Record<string, string>>;

/** Throws a `ProvisioningError` when the service cannot be provided like this. */
export type Provide = (order: ProvisionOrder) => Access | Pending | Promise<Access | Pending>;

export type Withdraw = (order: ProvisionOrder) => void | Promise<void>;

/** At most what the catalog says for this configuration, or the quote is refused (`price_not_in_catalog`). `null` where it is free. */
export type PriceFunction = (
  configuration: Readonly<Record<string, string>>,
) => Pick<Price, "amount" | "freeform" | "interval" | "kind" | "unit"> | null;

/** `undefined` where nothing is missing. */
export type Needs = (
  order: Omit<ProvisionOrder, "id"> & { readonly purpose: "create" | "link" },
) => JsonSchema | undefined;

export type JsonSchema = NonNullable<Service["configuration_schema"]>;

export type Update = (
  order: ProvisionOrder,
  to: { readonly serviceId: string; readonly configuration: Readonly<Record<string, string>> },
) => Access | Promise<Access>;

export type Usage = (order: ProvisionOrder, since: number) => bigint | Promise<bigint>;
