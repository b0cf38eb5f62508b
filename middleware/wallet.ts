/**
 * The capped wallet. It pays for a purchase at most once: it reserves durably before it signs, records the bytes durably before
 * it hands them out, counts everything it sent until the chain has answered, and for the same purchase always hands out the
 * same bytes again. Another signature for a purchase exists only after the chain has proven the earlier one dead.
 */
import { createHmac } from "node:crypto";
import { type Hex, isHash } from "viem";
import type { Chain } from "../chain/index.ts";
import { mppNonce, type MppOffer } from "../protocol/mpp.ts";
import type { Offer } from "../protocol/offer.ts";
import type { OutcomeReport, PurchaseRecord } from "../protocol/orchestrator-api.ts";
import type { Secret } from "../protocol/secret.ts";
import type { Trace } from "../protocol/trace.ts";
import {
  isOpen,
  isOut,
  type Ledger,
  type LedgerEntry,
  LedgerError,
  type LedgerScope,
  type Reservation,
  type Spent,
} from "../store/index.ts";
import { ChainClock } from "./chain-clock.ts";
import { checkOffer, type Policy } from "./check-offer.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { findForeign } from "./foreign-offer.ts";
import { paymentEvent } from "./payment-event.ts";
import { paymentWindow } from "./payment-window.ts";
import { readPurchase } from "./purchase-record.ts";
import type { Quote } from "./quote.ts";
import { settleEntry } from "./settlement-proof.ts";
import { signEntry } from "./sign-entry.ts";
import type { Signer } from "./signer/index.ts";
import { Turns } from "./turns.ts";

export interface WalletOptions {
  readonly ledger: Ledger;
  readonly signer: Signer;
  /** The chain and the one token that this wallet pays with. */
  readonly chain: Chain;
  /** At least 32 bytes; EIP-3009 nonces are derived from it, so it must outlive every open payment. */
  readonly nonceSecret: Secret<Uint8Array>;
  readonly policy?: Policy;
  /** How long a payment may stay usable: the server's wish is cut down to this. */
  readonly maxTimeoutSeconds?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly trace?: Trace | undefined;
}

export interface AuthorizeOptions {
  /** The logical buy (`purchaseId`). */
  readonly purchase: string;
  /** What the catalog says that it costs, and from whom. */
  readonly quote: Quote;
  /** The one that was chosen from the provider's 402. */
  readonly offer: Offer | MppOffer;
  /** The limits that the amount must fit under. */
  readonly scopes: readonly LedgerScope[];
}

export class Wallet {
  readonly #options: WalletOptions;
  readonly #ledger: Ledger;
  readonly #chain: Chain;
  readonly #clock: ChainClock;
  readonly #now: () => number;
  /** One thing at a time for each purchase. */
  readonly #turns = new Turns();
  #bound: Promise<void> | undefined;

  constructor(options: WalletOptions) {
    const { ledger, chain, now = Date.now } = options;
    this.#options = options;
    this.#ledger = ledger;
    this.#chain = chain;
    this.#now = now;
    this.#clock = new ChainClock({ chain });
  }

  get address() {
    return this.#options.signer.address;
  }

  /**
   * The payment for a purchase: its record, with the header to send. Refuses with `OFFER_…`, `BUDGET_EXCEEDED`, `CAP_EXCEEDED` or
   * `PURCHASE_CONFLICT`, and then nothing is reserved and nothing signed.
   */
  authorize(order: AuthorizeOptions): Promise<PurchaseRecord> {
    return this.#turns.take(order.purchase, async () => {
      const { quote, offer } = order;
      const refusal =
        checkOffer(offer, quote, this.#options.policy ?? {}) ??
        findForeign(offer, this.#chain.asset);
      if (refusal) throw refusal;
      await this.#bind();
      const reserved = await this.#reserve(order);
      // An authorization whose window is over may be proven dead by now, and then the purchase can be made anew.
      const renewed = !reserved.created && (await this.#clearExpired(reserved.entry));
      const { entry, created } = renewed ? await this.#reserve(order) : reserved;
      if (!created) return this.#read(entry);
      const { ledger, signer, policy = {} } = this.#options;
      return this.#tell(await signEntry({ ledger, signer, entry, offer, quote, policy }));
    });
  }

  /**
   * What came of the paid request. The report is a claim: only the chain settles or releases, and what the chain does not answer
   * stays unknown and counted. Throws `PURCHASE_UNKNOWN`.
   */
  report(purchase: string, { status, transaction }: OutcomeReport): Promise<PurchaseRecord> {
    return this.#turns.take(purchase, async () => {
      const entry = await this.#ledger.find(purchase);
      if (!entry) throw unknownPurchase(purchase);
      if (!isOpen(entry.state) || !isOut(entry.state)) return this.#read(entry);
      const delivered = status !== null && status >= 200 && status < 300;
      const claim =
        delivered && transaction !== undefined && isHash(transaction) ? transaction : undefined;
      return this.#tellChange(entry, await this.#settle(entry, claim));
    });
  }

  async find(purchase: string): Promise<PurchaseRecord | undefined> {
    const entry = await this.#ledger.find(purchase);
    return entry && this.#read(entry);
  }

  /** What counts under a limit by now. */
  spent(scope: Pick<LedgerScope, "name" | "perMonth">): Promise<Spent> {
    return this.#ledger.spent(scope);
  }

  /** Every purchase, oldest first; an earlier authorization that was proven dead is left out. */
  async list(): Promise<PurchaseRecord[]> {
    const newest = new Map((await this.#ledger.list()).map((entry) => [entry.purchase, entry]));
    return [...newest.values()].map((entry) => this.#read(entry));
  }

  /**
   * Ends what a crash left open, as far as the chain has an answer: what was never sent is released, what was sent is settled,
   * released or still unknown. Call it at start, before anything else, and now and then. Resolves to what is still open.
   */
  async recover(): Promise<PurchaseRecord[]> {
    await this.#bind();
    const open = await this.#ledger.listOpen();
    const entries = await Promise.all(
      open.map(({ purchase }) => this.#turns.take(purchase, () => this.#recoverOne(purchase))),
    );
    return entries.flatMap((entry) => (entry && isOpen(entry.state) ? [this.#read(entry)] : []));
  }

  async #recoverOne(purchase: string): Promise<LedgerEntry | undefined> {
    const entry = await this.#ledger.find(purchase);
    if (!entry || !isOpen(entry.state)) return entry;
    // Another process that is signing it just now loses its reservation, and cannot send.
    const ended = isOut(entry.state)
      ? await this.#settle(entry)
      : await this.#ledger.release(entry.nonce, "NEVER_SENT");
    this.#tellChange(entry, ended);
    return ended;
  }

  async #reserve({ purchase, quote, offer, scopes }: AuthorizeOptions) {
    const ours = BigInt(Math.floor(this.#now() / 1000));
    const { maxTimeoutSeconds = 120 } = this.#options;
    const clocks = [ours, await this.#clock.read()] as const;
    return this.#ledger.reserve({
      purchase,
      provider: quote.provider,
      service: quote.service,
      fingerprint: fingerprintOf(quote.request),
      payTo: offer.payTo,
      amount: offer.amount,
      ...paymentWindow({ offer, clocks, maxTimeoutSeconds }),
      // MPP fixes its own, so there it is this book alone that allows one payment for the purchase.
      nonceOf: (epoch) =>
        "mpp" in offer ? mppNonce(offer.mpp) : this.#deriveNonce(purchase, epoch),
      scopes,
    } satisfies Reservation);
  }

  /** Whether an authorization whose window is over by our clock is dead by the chain's. */
  async #clearExpired(entry: LedgerEntry): Promise<boolean> {
    if (!isOpen(entry.state) || entry.validBefore * 1000n >= BigInt(Math.floor(this.#now()))) {
      return false;
    }
    const ended = await this.#settle(entry);
    return ended.state === "released";
  }

  async #settle(entry: LedgerEntry, claim?: Hex): Promise<LedgerEntry> {
    const { address: payer } = this;
    const ledger = this.#ledger;
    const ended = await settleEntry({ ledger, chain: this.#chain, payer, entry, claim });
    // The chain's clock has passed the window, wherever we thought it was.
    if (ended.proof === "EXPIRED") this.#clock.forget();
    return ended;
  }

  /** 32 bytes that look random to others, and that the chain accepts once: at most one charge per purchase and epoch. */
  #deriveNonce(purchase: string, epoch: number): Hex {
    const mac = createHmac("sha256", this.#options.nonceSecret.reveal());
    return `0x${mac.update(JSON.stringify([purchase, epoch])).digest("hex")}`;
  }

  #bind(): Promise<void> {
    this.#bound ??= this.#bindOnce().catch((error: unknown) => {
      this.#bound = undefined;
      throw error;
    });
    return this.#bound;
  }

  async #bindOnce(): Promise<void> {
    const { network, address: asset, decimals } = this.#chain.asset;
    const genesis = await this.#chain.genesisHash();
    await this.#ledger.bind({ network, genesis, asset, decimals, payer: this.address });
  }

  #read(entry: LedgerEntry): PurchaseRecord {
    return readPurchase(entry, this.#chain.asset);
  }

  #tell(entry: LedgerEntry): PurchaseRecord {
    const record = this.#read(entry);
    this.#options.trace?.append(paymentEvent(record));
    return record;
  }

  #tellChange(before: LedgerEntry, after: LedgerEntry): PurchaseRecord {
    return after.state === before.state ? this.#read(after) : this.#tell(after);
  }
}

function unknownPurchase(purchase: string): LedgerError {
  return new LedgerError("PURCHASE_UNKNOWN", {
    problem: `The wallet knows no purchase ${JSON.stringify(purchase.slice(0, 100))}.`,
    nextStep: "Ask it for a payment first.",
  });
}
