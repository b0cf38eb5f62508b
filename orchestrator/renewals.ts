/**
 * Pays what is due from period to period, in the owner's name: nobody can pull money from the wallet, so somebody must pay on time. Each
 * period is paid once, within the cap, at no more than was agreed to. What stands in the way is written at the resource and tried again
 * later; until then the provider's own days of grace run.
 */
import { toErrorBody } from "../protocol/index.ts";
import type { Asker } from "./approvals.ts";
import { OWNER } from "./consents.ts";
import type { ResourceRenewal } from "./resource-renewal.ts";
import type { ResourceStore } from "./resource-store.ts";
import type { ProviderOf } from "./resources.ts";

export interface RenewalsOptions {
  store: ResourceStore;
  renewal: Pick<ResourceRenewal, "renew">;
  providerOf: ProviderOf;
  now: () => number;
}

const EVERY_MS = 60_000;
/** What is not known to have failed is asked about soon; what was refused, when something may have changed. */
const SOON_MS = 60_000;
const LATER_MS = 3_600_000;
const SOON = new Set([
  "PAYMENT_OPEN",
  "PAID_UNDELIVERED",
  "PROVIDER_UNAVAILABLE",
  "CHAIN_UNREACHABLE",
]);

export class Renewals {
  readonly #parts: RenewalsOptions;
  #going: Promise<void> = Promise.resolve();

  constructor(parts: RenewalsOptions) {
    this.#parts = parts;
  }

  /** Renews what is due by now, one after the other; one round at a time. */
  run(): Promise<void> {
    this.#going = this.#going.then(() => this.#round());
    return this.#going;
  }

  /** Now and then; the timer keeps no program from ending. `stop` waits for a round that is going on. */
  keepRunning(everyMs = EVERY_MS): { stop(): Promise<void> } {
    let stopped = false;
    const round = () => (stopped ? Promise.resolve() : this.run());
    void round();
    const timer = setInterval(() => void round(), everyMs).unref();
    return {
      stop: () => {
        stopped = true;
        clearInterval(timer);
        return this.#going;
      },
    };
  }

  async #round(): Promise<void> {
    const { store, renewal, providerOf, now } = this.#parts;
    for (const row of store.due()) {
      const session = { acceptTerms: undefined };
      const asker: Asker = { project: row.project, id: "renewal", agent: OWNER, session };
      try {
        // Whoever paid it while it waited for its turn has paid it.
        const paid_until = new Date(row.paidUntil ?? now()).toISOString();
        await renewal.renew(asker, await providerOf(row.provider), row, { paid_until });
      } catch (error) {
        const { code } = toErrorBody(error);
        const wait = SOON.has(code) ? SOON_MS : LATER_MS;
        store.postponeRenewal(row.id, code, now() + wait);
      }
    }
  }
}
