/**
 * Account requests whose owner has not decided yet. While one is pending the same is asked, with the same id and the same code for a device:
 * an agent that connects again and again opens no second page. What only the orchestrator may know of it lies in the vault.
 */
import { z } from "zod";
import { RequiresAuth, Secret } from "../protocol/index.ts";
import type { Pkce } from "./oauth-client.ts";
import type { Vault } from "./vault.ts";

export interface PendingConsent {
  /** The account request's id. */
  id: string;
  /** What is asked for, separated by spaces. */
  scope: string;
  pkce: Pkce;
  auth: RequiresAuth;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

export interface Of {
  project: string;
  provider: string;
  agent: string;
}

const Kept = z.object({
  id: z.string(),
  scope: z.string(),
  verifier: z.string(),
  challenge: z.string(),
  auth: RequiresAuth,
  expiresAt: z.number(),
});

/** Where the provider does not say. */
const LIFETIME_MS = 10 * 60 * 1000;
/** RFC 8628, section 3.2: where the provider does not say. */
const INTERVAL_S = 5;
const MOST_POLLED = 1000;

export class PendingConsents {
  readonly #vault: Vault;
  readonly #now: () => number;
  readonly #polledAt = new Map<string, number>();

  constructor({ vault, now }: { vault: Vault; now: () => number }) {
    this.#vault = vault;
    this.#now = now;
  }

  /** One for the same scope that the owner can still decide. */
  async find(of: Of, scope: string): Promise<PendingConsent | undefined> {
    const name = nameOf(of);
    if (!this.#vault.has(name)) return undefined;
    const text = (await this.#vault.read(name, "orchestrator")).reveal();
    const { verifier, challenge, ...kept } = Kept.parse(JSON.parse(text));
    if (kept.scope !== scope || kept.expiresAt <= this.#now()) return undefined;
    return { ...kept, pkce: { verifier: new Secret(verifier), challenge } };
  }

  async keep(of: Of, { pkce, ...pending }: Omit<PendingConsent, "expiresAt">): Promise<void> {
    const { device } = pending.auth;
    const lifetime = Math.min(device ? device.expires_in * 1000 : LIFETIME_MS, LIFETIME_MS);
    const kept: z.input<typeof Kept> = {
      ...pending,
      verifier: pkce.verifier.reveal(),
      challenge: pkce.challenge,
      expiresAt: this.#now() + lifetime,
    };
    this.#vault.store(await this.#vault.seal(nameOf(of), new Secret(JSON.stringify(kept))));
  }

  forget(of: Of): void {
    const name = nameOf(of);
    if (this.#vault.has(name)) this.#vault.forget(name);
  }

  /** Whether the device's code may be asked after now (RFC 8628, section 3.5); says so once in its interval. */
  mayPoll({ id, auth }: PendingConsent): boolean {
    const now = this.#now();
    const interval = (auth.device?.interval ?? INTERVAL_S) * 1000;
    if (now - (this.#polledAt.get(id) ?? 0) < interval) return false;
    // What was asked after longest ago is over by now.
    if (this.#polledAt.size >= MOST_POLLED)
      this.#polledAt.delete(this.#polledAt.keys().next().value ?? "");
    this.#polledAt.delete(id);
    this.#polledAt.set(id, now);
    return true;
  }
}

/** Not a `cred:` handle, so no agent can ask for it. */
function nameOf({ project, provider, agent }: Of) {
  return { project, handle: `consent:${provider}:${agent}` };
}
