/**
 * A wallet as the one who makes the paid call sees it: in the same process, or behind an orchestrator over HTTP. It is asked in
 * words of the catalog; request, price and recipient it computes for itself.
 */
import { type Catalog, findService } from "../protocol/catalog.ts";
import { readOrderedOffer } from "../protocol/ordered-offer.ts";
import type {
  OutcomeReport,
  PurchaseAnswer,
  PurchaseOrder,
  PurchaseRecord,
} from "../protocol/orchestrator-api.ts";
import { purchaseId } from "../protocol/purchase.ts";
import type { LedgerScope } from "../store/index.ts";
import { parseKeptAnswer } from "./fetch/kept-answer.ts";
import { keepCall } from "./fetch/kept-request.ts";
import { quoteFor } from "./quote.ts";
import type { Wallet } from "./wallet.ts";

export interface WalletPort {
  /** The purchase's record, with the bytes that were sent before, or undefined. */
  find(purchase: string): Promise<PurchaseRecord | undefined>;
  /** The payment for an order; the same one each time. */
  authorize(order: PurchaseOrder): Promise<PurchaseRecord>;
  report(purchase: string, outcome: OutcomeReport): Promise<PurchaseRecord>;
  /** The provider's answer, where the purchase was paid for, nobody got it, and recovery has fetched it since. */
  findAnswer?(purchase: string): Promise<PurchaseAnswer | undefined>;
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

/** A wallet in this process. What it keeps of a call, `recoverCalls` fetches after a crash. */
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
      const read = readOrderedOffer(offer, { url: quote.request.url, now: now() });
      return wallet.authorize({
        purchase: purchaseId({ project, service, operation, inputs }),
        quote,
        offer: read,
        scopes: scopesFor(provider.profile.id),
        keep: keepCall(project, quote.request, { offer: read, quote }),
      });
    },
    report: (purchase, outcome) => wallet.report(purchase, outcome),
    async findAnswer(purchase) {
      const [kept] = await wallet.listKept(purchase);
      return kept?.answer && parseKeptAnswer(kept.answer);
    },
  };
}
