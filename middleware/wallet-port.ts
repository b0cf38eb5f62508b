/**
 * A wallet as the one who makes the paid call sees it: in the same process, or behind an orchestrator over HTTP. It is asked in
 * words of the catalog; request, price and recipient it computes for itself.
 */
import { type Catalog, findService } from "../protocol/catalog.ts";
import { readOrderedOffer } from "../protocol/ordered-offer.ts";
import type { OutcomeReport, PurchaseOrder, PurchaseRecord } from "../protocol/orchestrator-api.ts";
import { purchaseId } from "../protocol/purchase.ts";
import type { LedgerScope } from "../store/index.ts";
import { quoteFor } from "./quote.ts";
import type { Wallet } from "./wallet.ts";

export interface WalletPort {
  /** The purchase's record, with the bytes that were sent before, or undefined. */
  find(purchase: string): Promise<PurchaseRecord | undefined>;
  /** The payment for an order; the same one each time. */
  authorize(order: PurchaseOrder): Promise<PurchaseRecord>;
  report(purchase: string, outcome: OutcomeReport): Promise<PurchaseRecord>;
  /** The provider's answer, where the purchase was paid for, nobody got it, and recovery has fetched it since. */
  findAnswer?(purchase: string): Promise<Response | undefined>;
}

export interface LocalWalletOptions {
  readonly wallet: Wallet;
  readonly catalog: Catalog;
  /** Part of every purchase's identity. */
  readonly project: string;
  /** The limits for a provider, by its id in the catalog. */
  readonly scopesFor: (provider: string) => readonly LedgerScope[];
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** A wallet in this process. */
export function localWallet({
  wallet,
  catalog,
  project,
  scopesFor,
  now = Date.now,
}: LocalWalletOptions): WalletPort {
  return {
    find: (purchase) => wallet.find(purchase),
    async authorize({ service, operation, inputs, offer }) {
      const { provider } = findService(catalog, service);
      const quote = quoteFor({ catalog, service, operation, inputs });
      return wallet.authorize({
        purchase: purchaseId({ project, service, operation, inputs }),
        quote,
        offer: readOrderedOffer(offer, { url: quote.request.url, now: now() }),
        scopes: scopesFor(provider.profile.id),
      });
    },
    report: (purchase, outcome) => wallet.report(purchase, outcome),
  };
}
