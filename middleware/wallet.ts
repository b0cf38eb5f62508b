/**
 * The capped wallet. It pays for a purchase at most once: it reserves before it signs, in the book that all processes share, has the
 * reservation on disk before it hands the bytes out, counts everything it sent until the chain has answered, and for the same purchase
 * always hands out the same bytes again. Another signature for a purchase exists only after the chain has proven the earlier one dead.
 */
import { type Hex, isHash } from "viem";
import type { Chain } from "../chain/index.ts";
import { mppNonce } from "../protocol/mpp.ts";
import { type Hmac, oneShotHmac } from "../protocol/one-shot-hmac.ts";
import type { OutcomeReport, PurchaseRecord } from "../protocol/orchestrator-api.ts";
import type { Secret } from "../protocol/secret.ts";
import {
  isOpen,
  isOut,
  type KeptRequest,
  type Ledger,
  type LedgerEntry,
  LedgerError,
  type LedgerScope,
  type Reservation,
  type Spent,
} from "../store/index.ts";
import { ChainClock } from "./chain-clock.ts";
import { checkOffer } from "./check-offer.ts";
import { checkCounter } from "./counter-mark.ts";
import { EntryAges } from "./entry-ages.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { findForeign } from "./foreign-offer.ts";
import { paymentWindow } from "./payment-window.ts";
import { recoverEntries } from "./recover-entries.ts";
import { signAgain, signEntry } from "./sign-entry.ts";
import { Turns } from "./turns.ts";
import { Unreported } from "./unreported.ts";
import { WalletEntries } from "./wallet-entries.ts";
import type { AuthorizeOptions, RemakeTerms, WalletOptions } from "./wallet-options.ts";

export class Wallet {
  readonly #options: WalletOptions;
  readonly #ledger: Ledger;
  readonly #chain: Chain;
  readonly #clock: ChainClock;
  readonly #entries: WalletEntries;
  readonly #ages: EntryAges;
  readonly #now: () => number;
  readonly #nonceHmac: Hmac;
  /** One thing at a time for each purchase. */
  readonly #turns = new Turns();
  readonly #unreported = new Unreported();
  #bound: Promise<void> | undefined;

  constructor(options: WalletOptions) {
    const { ledger, chain, signer, trace, now = Date.now } = options;
    this.#options = options;
    this.#ledger = ledger;
    this.#chain = chain;
    this.#now = now;
    this.#nonceHmac = oneShotHmac(options.nonceSecret.reveal());
    this.#clock = new ChainClock({ chain });
    this.#ages = new EntryAges({ now });
    const payer = signer.address;
    this.#entries = new WalletEntries({ ledger, chain, clock: this.#clock, payer, trace });
  }

  get address() {
    return this.#options.signer.address;
  }

  /**
   * The payment for a purchase: its record, with the header to send. Refuses with `OFFER_…`, `BUDGET_EXCEEDED`, `CAP_EXCEEDED`,
   * `RATE_EXCEEDED` or `PURCHASE_CONFLICT`, and then nothing is reserved and nothing signed.
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
      if (!created && entry.payment !== undefined) return this.#entries.read(entry);
      const { ledger, signer, policy = {}, maxTimeoutSeconds = 120 } = this.#options;
      const signing = { ledger, signer, entry, offer, quote, policy, maxTimeoutSeconds };
      if (!created) return this.#entries.read(await signAgain(signing));
      const sent = await signEntry(signing);
      this.#unreported.add(sent);
      return this.#entries.tell(sent);
    });
  }

  /**
   * The bytes of an authorization that may be out, made again where a failure has taken them; undefined where the purchase has another by
   * now, or it is dead. What is signed is what was reserved; terms that differ from those it was signed for are refused by the signer.
   */
  remake(
    { purchase, nonce }: Pick<LedgerEntry, "purchase" | "nonce">,
    terms: RemakeTerms,
  ): Promise<PurchaseRecord | undefined> {
    return this.#turns.take(purchase, async () => {
      const entry = await this.#ledger.find(purchase);
      if (!entry || entry.nonce !== nonce || !isOut(entry.state)) return undefined;
      if (entry.payment !== undefined) return this.#entries.read(entry);
      const { ledger, signer, policy = {} } = this.#options;
      return this.#entries.read(await signAgain({ ledger, signer, entry, policy, ...terms }));
    });
  }

  /**
   * What came of the paid request. The report is a claim: only the chain settles or releases, and what the chain does not answer
   * stays unknown and counted. Throws `PURCHASE_UNKNOWN`.
   */
  report(purchase: string, outcome: OutcomeReport): Promise<PurchaseRecord> {
    return this.#turns.take(purchase, async () => {
      const handedOut = this.#unreported.take(purchase);
      if (handedOut) {
        try {
          return await this.#conclude(handedOut, outcome);
        } catch (error) {
          // Another process has brought it further than this one knows.
          if (!(error instanceof LedgerError) || error.code !== "LEDGER_TRANSITION") throw error;
        }
      }
      const entry = await this.#ledger.find(purchase);
      if (!entry) throw unknownPurchase(purchase);
      return this.#conclude(entry, outcome);
    });
  }

  async #conclude(entry: LedgerEntry, { status, transaction }: OutcomeReport) {
    const delivered = status !== null && status >= 200 && status < 300;
    if (!isOpen(entry.state) || !isOut(entry.state)) {
      if (delivered) await this.#ledger.forgetRequest(entry.purchase);
      return this.#entries.read(entry);
    }
    const claim =
      delivered && transaction !== undefined && isHash(transaction) ? transaction : undefined;
    const ended = await this.#entries.settle(entry, { claim, delivered });
    return this.#entries.tellChange(entry, ended);
  }

  async find(purchase: string): Promise<PurchaseRecord | undefined> {
    const entry = await this.#ledger.find(purchase);
    return entry && this.#entries.read(entry);
  }

  /** What counts under a limit by now. */
  spent(scope: Pick<LedgerScope, "name" | "perMonth">): Promise<Spent> {
    return this.#ledger.spent(scope);
  }

  /** How many payments were begun under a rate in the last sixty seconds. */
  begun(rate: string): Promise<number> {
    return this.#ledger.begun(rate);
  }

  /** What was paid for with a request that was kept (`keep`), and of which no delivery is known; or of one purchase. */
  listKept(purchase?: string): Promise<KeptRequest[]> {
    return this.#ledger.listKept(purchase);
  }

  /** Keeps an answer that recovery has fetched, for the next identical call. */
  keepAnswer(purchase: string, answer: Secret): Promise<void> {
    return this.#ledger.keepAnswer(purchase, answer);
  }

  /** Every purchase, oldest first; an earlier authorization that was proven dead is left out. */
  async list(): Promise<PurchaseRecord[]> {
    const newest = new Map((await this.#ledger.list()).map((entry) => [entry.purchase, entry]));
    return [...newest.values()].map((entry) => this.#entries.read(entry));
  }

  /**
   * Ends what a crash left open, as far as the chain has an answer: what was never sent is released, what was sent is settled,
   * released or still unknown. Call it at start, before anything else; now and then, while others may be paying, with a grace in
   * milliseconds for what changed just now. Resolves to what is still open.
   */
  async recover({ graceMs = 0 }: { graceMs?: number } = {}): Promise<PurchaseRecord[]> {
    await this.#bind();
    await checkCounter(this.#options);
    const [ledger, entries, turns, ages] = [this.#ledger, this.#entries, this.#turns, this.#ages];
    const open = await recoverEntries({ ledger, entries, turns, ages, graceMs });
    return open.map((entry) => entries.read(entry));
  }

  async #reserve({ purchase, quote, offer, scopes, rate, keep }: AuthorizeOptions) {
    const ours = BigInt(Math.floor(this.#now() / 1000));
    const { maxTimeoutSeconds = 120 } = this.#options;
    const clocks = [ours, await this.#clock.read()] as const;
    const reservation = {
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
      rate,
      sent: !("mpp" in offer),
      request: keep,
    } satisfies Reservation;
    return this.#ledger.reserve(reservation);
  }

  /** Whether an authorization whose window is over by our clock is dead by the chain's. */
  async #clearExpired(entry: LedgerEntry): Promise<boolean> {
    if (!isOpen(entry.state) || entry.validBefore * 1000n >= BigInt(Math.floor(this.#now()))) {
      return false;
    }
    const ended = await this.#entries.settle(entry);
    return ended.state === "released";
  }

  /** 32 bytes that look random to others, and that the chain accepts once: at most one charge per purchase and epoch. */
  #deriveNonce(purchase: string, epoch: number): Hex {
    return `0x${this.#nonceHmac(JSON.stringify([purchase, epoch]), "hex")}`;
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
    await checkCounter(this.#options);
  }
}

function unknownPurchase(purchase: string): LedgerError {
  return new LedgerError("PURCHASE_UNKNOWN", {
    problem: `The wallet knows no purchase ${JSON.stringify(purchase.slice(0, 100))}.`,
    nextStep: "Ask it for a payment first.",
  });
}
