/**
 * Fetches what a run has paid for and never got, because its agent ended in between: first the chain ends what it has an answer for, then
 * each payment that is settled, or may still be, is sent again, the same bytes with the same request and the account's token. What comes
 * back is kept in the wallet's book for the agent's next identical call. It signs nothing and asks nobody.
 */
import {
  type CallRecovery,
  type PaidCall,
  recoverCalls,
  type Seller,
  type Wallet,
} from "../middleware/index.ts";
import type { Asker } from "./approvals.ts";
import type { Connections } from "./connections.ts";
import { OWNER } from "./consents.ts";
import type { MergedCatalog } from "./merged-catalog.ts";
import type { PaymentMethod } from "./payment-method.ts";
import type { ProviderCallOptions } from "./provider-call.ts";
import type { Purchases } from "./purchases.ts";

export class PurchaseRecovery {
  readonly #parts: PurchaseRecoveryOptions;
  readonly #recoveries = new Map<Wallet, CallRecovery>();

  constructor(parts: PurchaseRecoveryOptions) {
    this.#parts = parts;
  }

  /** At the start, before anything else: resolves when the chain was asked. */
  async begin(): Promise<void> {
    await Promise.all(this.#all().map((recovery) => recovery.begin()));
  }

  /** Once, for every wallet that is in use; one that fails keeps no other from it. */
  async run(): Promise<void> {
    await this.#endReplaced();
    await Promise.allSettled(this.#all().map((recovery) => recovery.recover()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#recoveries.values()].map((recovery) => recovery.close()));
  }

  /** Those of wallets in whose place there is a newer one of the same payer. */
  async #endReplaced(): Promise<void> {
    const wallets = this.#parts.payment.wallets();
    const replaced = [...this.#recoveries].filter(([wallet]) => !wallets.has(wallet));
    for (const [wallet] of replaced) this.#recoveries.delete(wallet);
    await Promise.allSettled(replaced.map(([, recovery]) => recovery.close()));
  }

  #all(): CallRecovery[] {
    return [...this.#parts.payment.wallets()].map((wallet) => {
      const { call, now } = this.#parts;
      const sellerOf = (paid: PaidCall) => this.#sellerOf(paid);
      const recovery =
        this.#recoveries.get(wallet) ??
        recoverCalls({ ...call, wallet, now, sellerOf, manual: true });
      this.#recoveries.set(wallet, recovery);
      return recovery;
    });
  }

  /** Undefined also where the provider cannot be asked: the next recovery looks again. */
  async #sellerOf({ purchase, project, provider: id }: PaidCall): Promise<Seller | undefined> {
    const { purchases, catalog, connections } = this.#parts;
    // The wallet may have made payments that no run of ours has asked for.
    if (!purchases.isOf(project, purchase)) return undefined;
    // In the owner's name, who is not asked anything: what is to be fetched is paid for.
    const session = { acceptTerms: undefined };
    const asker: Asker = { project, id: "recovery", agent: OWNER, session };
    try {
      const { provider } = await catalog.provider(id);
      const { access_token } = await connections.bearer(asker, provider, "orchestrator");
      return { baseUrl: provider.baseUrl, headers: { authorization: `Bearer ${access_token}` } };
    } catch {
      return undefined;
    }
  }
}

export interface PurchaseRecoveryOptions {
  purchases: Pick<Purchases, "isOf">;
  catalog: MergedCatalog;
  connections: Connections;
  payment: PaymentMethod;
  call: ProviderCallOptions;
  now: () => number;
}
