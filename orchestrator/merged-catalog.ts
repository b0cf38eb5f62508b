/**
 * The catalogs of all providers as one. It is read from all of them at once and kept for a while; a provider that is down, does
 * not parse, or is no longer who was pinned becomes a warning and hides none of the others.
 */
import {
  type Catalog,
  type CatalogProvider,
  findService,
  type Service,
  toErrorBody,
} from "../protocol/index.ts";
import { OrchestratorError } from "./error.ts";
import type { ProviderCallOptions } from "./provider-call.ts";
import type { Identity } from "./identity.ts";
import { readPlainCatalog, readProviderCatalog } from "./provider-catalog.ts";
import type { AddedProvider, ProviderRegistry } from "./provider-registry.ts";

export interface CatalogReading {
  catalog: Catalog;
  warnings: string[];
  /** Every provider could be read, and used. */
  complete: boolean;
  /** Providers that cannot be read now, as they were when they last could. */
  unreachable: CatalogProvider[];
  /** Milliseconds since the epoch. */
  readAt: number;
}

/** How long a reading holds; one that lacks a provider is tried again sooner. */
const FRESH_MS = { complete: 60_000, incomplete: 2000 } as const;

export class MergedCatalog {
  readonly #registry: ProviderRegistry;
  readonly #identity: Pick<Identity, "send">;
  readonly #call: ProviderCallOptions;
  readonly #now: () => number;
  readonly #last = new Map<string, CatalogProvider>();
  #latest: CatalogReading | undefined;
  #reading: Promise<CatalogReading> | undefined;

  constructor({ registry, identity, call, now }: MergedCatalogOptions) {
    this.#identity = identity;
    this.#registry = registry;
    this.#call = call;
    this.#now = now;
  }

  async read(): Promise<CatalogReading> {
    return this.fresh() ?? this.#reading ?? this.#start();
  }

  /** The latest reading while it holds. */
  fresh(): CatalogReading | undefined {
    const latest = this.#latest;
    if (!latest) return undefined;
    const fresh = FRESH_MS[latest.complete ? "complete" : "incomplete"];
    return this.#now() - latest.readAt < fresh ? latest : undefined;
  }

  /** Reads anew at the next call, such as after a provider was added. */
  expire(): void {
    this.#latest = undefined;
    this.#reading = undefined;
  }

  /** The entry that a reference names; says so when its provider cannot be read just now. */
  async service(reference: string): Promise<{ provider: CatalogProvider; service: Service }> {
    const { catalog } = await this.provider(
      reference.slice(0, Math.max(0, reference.indexOf("/"))),
    );
    return findService(catalog, reference);
  }

  /** A provider by its id, or `PROVIDER_UNKNOWN`, or `PROVIDER_UNAVAILABLE` with the reason. */
  async provider(id: string): Promise<{ provider: CatalogProvider; catalog: Catalog }> {
    const { catalog, warnings } = await this.read();
    const provider = catalog.providers.find(({ profile }) => profile.id === id);
    if (provider) return { provider, catalog };
    const added = this.#registry.list().find((entry) => entry.id === id);
    if (added) {
      throw new OrchestratorError("PROVIDER_UNAVAILABLE", {
        problem: `The catalog of ${id} cannot be used now: ${warnings.find((text) => text.includes(added.baseUrl)) ?? "it was not read"}`,
        nextStep: "Try again later, or use another provider.",
        details: { provider: id },
      });
    }
    throw new OrchestratorError("PROVIDER_UNKNOWN", {
      problem: `The catalog has no provider "${id.slice(0, 100)}".`,
      nextStep: "Use a provider from the catalog, in a reference such as provider/service.",
    });
  }

  /** One reading serves all who ask meanwhile; one that was expired on its way is given to those, and not kept. */
  async #start(): Promise<CatalogReading> {
    const mine = this.#readAll();
    this.#reading = mine;
    try {
      const reading = await mine;
      if (this.#reading === mine) this.#latest = reading;
      return reading;
    } finally {
      if (this.#reading === mine) this.#reading = undefined;
    }
  }

  async #readAll(): Promise<CatalogReading> {
    const readAt = this.#now();
    const results = await Promise.all(this.#registry.list().map((added) => this.#readOne(added)));
    const reading: CatalogReading = {
      catalog: { providers: [] },
      warnings: [],
      complete: true,
      unreachable: [],
      readAt,
    };
    // Pinned in the order of adding, so that of two strangers with one id the first added keeps it.
    for (const { added, provider, problem, leftOut = 0 } of results) {
      if (leftOut > 0)
        reading.warnings.push(
          `${leftOut} services of ${added.baseUrl} are left out: their price is a text, which nobody can cap.`,
        );
      const refused = provider && this.#registry.pin(added.baseUrl, provider.profile);
      if (provider && refused === undefined) {
        reading.catalog.providers.push(provider);
        this.#last.set(added.baseUrl, provider);
        continue;
      }
      reading.complete = false;
      reading.warnings.push(`${added.baseUrl} is left out: ${refused ?? problem ?? "unknown"}`);
      const last = this.#last.get(added.baseUrl);
      if (last && refused === undefined) reading.unreachable.push(last);
    }
    return reading;
  }

  async #readOne(added: AddedProvider): Promise<{
    added: AddedProvider;
    provider?: CatalogProvider;
    problem?: string;
    leftOut?: number;
  }> {
    try {
      const { baseUrl } = added;
      const plain = this.#registry.plain(baseUrl);
      if (plain) {
        const send = (url: string) => this.#identity.send({ method: "GET", url });
        return { added, ...(await readPlainCatalog(baseUrl, plain, send)) };
      }
      return { added, provider: await readProviderCatalog(added.baseUrl, this.#call) };
    } catch (error) {
      return { added, problem: toErrorBody(error).problem };
    }
  }
}

export interface MergedCatalogOptions {
  registry: ProviderRegistry;
  identity: Pick<Identity, "send">;
  call: ProviderCallOptions;
  now: () => number;
}
