/**
 * Fetches what a run has paid for and never got, because its agent ended in between: first the chain ends what it has an answer for, then
 * each payment that is settled, or may still be, is sent again, the same bytes with the same request and the account's token. What comes
 * back is kept in the wallet's book for the agent's next identical call. It signs nothing and asks nobody.
 */
import { type PaidRequest, readKeptRequest, Recovery, type Wallet } from "../middleware/index.ts";
import type { Database, KeptRequest } from "../store/index.ts";
import type { Asker } from "./approvals.ts";
import type { Connections } from "./connections.ts";
import { OWNER } from "./consents.ts";
import type { MergedCatalog } from "./merged-catalog.ts";
import type { PaymentMethod } from "./payment-method.ts";
import type { ProviderCallOptions } from "./provider-call.ts";

interface Row {
  project: string;
  provider: string;
}

export class PurchaseRecovery {
  readonly #parts: PurchaseRecoveryOptions;
  readonly #recoveries = new Map<Wallet, Recovery>();

  constructor(parts: PurchaseRecoveryOptions) {
    this.#parts = parts;
  }

  /** At the start, before anything else: resolves when the chain was asked. */
  async begin(): Promise<void> {
    await Promise.all([...this.#parts.payment.wallets()].map((wallet) => this.#of(wallet).begin()));
  }

  /** Once, for every wallet that is in use; one that fails keeps no other from it. */
  async run(): Promise<void> {
    const runs = [...this.#parts.payment.wallets()].map((wallet) => this.#of(wallet).run());
    await Promise.allSettled(runs);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#recoveries.values()].map((recovery) => recovery.close()));
  }

  #of(wallet: Wallet): Recovery {
    const known = this.#recoveries.get(wallet);
    if (known) return known;
    const { call, now } = this.#parts;
    const recovery = new Recovery({
      ...call,
      wallet,
      now,
      requestOf: (kept) => this.#requestOf(kept),
    });
    this.#recoveries.set(wallet, recovery);
    return recovery;
  }

  /** Undefined where the provider cannot be asked, or is not where the payment was meant for: the next recovery looks again. */
  async #requestOf({ entry, request: kept }: KeptRequest): Promise<PaidRequest | undefined> {
    const { db, catalog, connections } = this.#parts;
    const sql = "SELECT project, provider FROM purchase WHERE id = ?";
    const row = db.query<Row>(sql).get(entry.purchase);
    if (!row) return undefined;
    const request = readKeptRequest(kept);
    // In the owner's name, who is not asked anything: what is to be fetched is paid for.
    const asker: Asker = {
      project: row.project,
      id: "recovery",
      agent: OWNER,
      session: { acceptTerms: undefined },
    };
    try {
      const { provider } = await catalog.provider(row.provider);
      if (new URL(request.url).origin !== new URL(provider.baseUrl).origin) return undefined;
      const { access_token } = await connections.bearer(asker, provider, "orchestrator");
      const headers = { ...request.headers, authorization: `Bearer ${access_token}` };
      return { ...request, headers };
    } catch {
      return undefined;
    }
  }
}

export interface PurchaseRecoveryOptions {
  db: Database;
  catalog: MergedCatalog;
  connections: Connections;
  payment: PaymentMethod;
  call: ProviderCallOptions;
  now: () => number;
}
