/** The wallet's entries: brought as far as the chain proves them, told to the trace when that changes them, and read as records. */
import type { Address, Hex } from "viem";
import type { Chain } from "../chain/index.ts";
import type { PurchaseRecord } from "../protocol/orchestrator-api.ts";
import type { Trace } from "../protocol/trace.ts";
import type { Ledger, LedgerEntry } from "../store/index.ts";
import type { ChainClock } from "./chain-clock.ts";
import { paymentEvent } from "./payment-event.ts";
import { readPurchase } from "./purchase-record.ts";
import { settleEntry } from "./settlement-proof.ts";

export interface WalletEntriesOptions {
  readonly ledger: Ledger;
  readonly chain: Chain;
  readonly clock: ChainClock;
  readonly payer: Address;
  readonly trace: Trace | undefined;
}

export interface SettleOptions {
  /** The transaction that the server names. */
  readonly claim?: Hex | undefined;
  /** The caller has its answer. */
  readonly delivered?: boolean;
  /** Another caller may still be waiting for its answer: what the chain does not answer stays as it is. */
  readonly young?: boolean;
}

export class WalletEntries {
  readonly #options: WalletEntriesOptions;

  constructor(options: WalletEntriesOptions) {
    this.#options = options;
  }

  async settle(entry: LedgerEntry, options: SettleOptions = {}): Promise<LedgerEntry> {
    const { ledger, chain, clock, payer } = this.#options;
    const ended = await settleEntry({ ledger, chain, payer, entry, ...options });
    // The chain's clock has passed the window, wherever we thought it was.
    if (ended.proof === "EXPIRED") clock.forget();
    return ended;
  }

  read(entry: LedgerEntry): PurchaseRecord {
    return readPurchase(entry, this.#options.chain.asset);
  }

  tell(entry: LedgerEntry): PurchaseRecord {
    const record = this.read(entry);
    this.#options.trace?.append(paymentEvent(record));
    return record;
  }

  tellChange(before: LedgerEntry, after: LedgerEntry): PurchaseRecord {
    return after.state === before.state ? this.read(after) : this.tell(after);
  }
}
