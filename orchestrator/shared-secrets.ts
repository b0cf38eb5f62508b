/**
 * The secrets that a provider and the orchestrator share, by which requests are signed with `Stripe-Signature` beside the JWT. They lie in
 * the vault; while one is being changed there are two, and a request is signed with each.
 */
import { Secret } from "../protocol/index.ts";
import type { ProviderRegistry } from "./provider-registry.ts";
import type { Vault } from "./vault.ts";

/** No project's, so no agent can name it. */
const PROJECT = "";

export class SharedSecrets {
  readonly #registry: ProviderRegistry;
  readonly #vault: Vault;
  readonly #read = new Map<string, Promise<readonly string[]>>();

  constructor({ registry, vault }: { registry: ProviderRegistry; vault: Vault }) {
    this.#registry = registry;
    this.#vault = vault;
  }

  /** Adds the provider where it is not there yet, and signs with these from now on; with none, no longer. */
  async set(url: string, secrets: readonly Secret[]): Promise<void> {
    const baseUrl = this.#registry.add(url);
    const values = secrets.map((secret) => secret.reveal());
    const name = { project: PROJECT, handle: handleOf(baseUrl) };
    this.#vault.store(await this.#vault.seal(name, new Secret(JSON.stringify(values))));
    this.#read.set(baseUrl, Promise.resolve(values));
  }

  /** Of the provider that a URL is below; none where nothing is shared with it. */
  async of(url: string): Promise<readonly string[]> {
    const baseUrl = this.#registry.baseOf(url);
    if (baseUrl === undefined) return [];
    let read = this.#read.get(baseUrl);
    if (!read) {
      read = this.#load(baseUrl);
      this.#read.set(baseUrl, read);
      read.catch(() => this.#read.delete(baseUrl));
    }
    return read;
  }

  async #load(baseUrl: string): Promise<readonly string[]> {
    const name = { project: PROJECT, handle: handleOf(baseUrl) };
    if (!this.#vault.has(name)) return [];
    const text = (await this.#vault.read(name, "orchestrator")).reveal();
    return JSON.parse(text) as string[];
  }
}

function handleOf(baseUrl: string): string {
  return `hmac:${baseUrl}`;
}
