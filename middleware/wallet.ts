/**
 * The capped wallet. It pays for a purchase at most once: it reserves durably before it signs, records the bytes durably before
 * it hands them out, counts everything it sent until the chain has answered, and for the same purchase always hands out the
 * same bytes again. Another signature for a purchase exists only after the chain has proven the earlier one dead.
 */
import { createHmac } from "node:crypto";
import { type Hex, isHash } from "viem";
import type { Chain } from "../chain/index.ts";
import { type Authorization, encodePayment } from "../protocol/authorization.ts";
import { encodeMppPayment, mppNonce, type MppOffer } from "../protocol/mpp.ts";
import type { Offer, OfferTerms } from "../protocol/offer.ts";
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
import { checkOffer, type Policy } from "./check-offer.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { PaymentError } from "./payment-error.ts";
import type { Quote } from "./quote.ts";
import { proveEntry } from "./settlement-proof.ts";
import type { Signer } from "./signer.ts";
import { Turns } from "./turns.ts";
import { readPurchase } from "./purchase-record.ts";

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

/** How far `validAfter` lies in the past, for clocks that are not the chain's. */
const BACKDATE_SECONDS = 600n;

export class Wallet {
  readonly #ledger: Ledger;
  readonly #signer: Signer;
  readonly #chain: Chain;
  readonly #nonceSecret: Secret<Uint8Array>;
  readonly #policy: Policy;
  readonly #maxTimeoutSeconds: number;
  readonly #now: () => number;
  readonly #trace: Trace | undefined;
  /** One thing at a time for each purchase. */
  readonly #turns = new Turns();
  #bound: Promise<void> | undefined;

  constructor({
    ledger,
    signer,
    chain,
    nonceSecret,
    policy = {},
    maxTimeoutSeconds = 120,
    now = Date.now,
    trace,
  }: WalletOptions) {
    this.#ledger = ledger;
    this.#signer = signer;
    this.#chain = chain;
    this.#nonceSecret = nonceSecret;
    this.#policy = policy;
    this.#maxTimeoutSeconds = maxTimeoutSeconds;
    this.#now = now;
    this.#trace = trace;
  }

  get address() {
    return this.#signer.address;
  }

  /**
   * The payment for a purchase: its record, with the header to send. Refuses with `OFFER_…`, `BUDGET_EXCEEDED`, `CAP_EXCEEDED` or
   * `PURCHASE_CONFLICT`, and then nothing is reserved and nothing signed.
   */
  authorize({ purchase, quote, offer, scopes }: AuthorizeOptions): Promise<PurchaseRecord> {
    return this.#turns.take(purchase, async () => {
      const refusal = checkOffer(offer, quote, this.#policy) ?? this.#findForeign(offer);
      if (refusal) throw refusal;
      await this.#bind();
      await this.#clearExpired(purchase);
      const { validAfter, validBefore } = await this.#window(offer);
      const { entry, created } = await this.#ledger.reserve({
        purchase,
        provider: quote.provider,
        service: quote.service,
        fingerprint: fingerprintOf(quote.request),
        payTo: offer.payTo,
        amount: offer.amount,
        validAfter,
        validBefore,
        // MPP fixes its own, so there it is this book alone that allows one payment for the purchase.
        nonceOf: (epoch) =>
          "mpp" in offer ? mppNonce(offer.mpp) : this.#deriveNonce(purchase, epoch),
        scopes,
      } satisfies Reservation);
      return created ? this.#tell(await this.#sign(entry, offer)) : this.#read(entry);
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
      const proven = await this.#prove(entry, claim);
      return proven.state === entry.state ? this.#read(proven) : this.#tell(proven);
    });
  }

  async find(purchase: string): Promise<PurchaseRecord | undefined> {
    const entry = await this.#ledger.find(purchase);
    return entry && this.#read(entry);
  }

  /** The digest (`fingerprintOf`) of the request that a purchase pays for: its bytes go nowhere else. */
  async fingerprint(purchase: string): Promise<string | undefined> {
    return (await this.#ledger.find(purchase))?.fingerprint;
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
      ? await this.#prove(entry)
      : await this.#ledger.release(entry.nonce, "NEVER_SENT");
    if (ended.state !== entry.state) this.#tell(ended);
    return ended;
  }

  async #sign(entry: LedgerEntry, offer: Offer | MppOffer): Promise<LedgerEntry> {
    const { network, address: asset } = this.#chain.asset;
    const { payTo: to, amount: value, validAfter, validBefore, nonce } = entry;
    const from = this.#signer.address;
    const authorization: Authorization = { from, to, value, validAfter, validBefore, nonce };
    await this.#ledger.markSigning(nonce);
    try {
      const signature = await this.#signer.sign({ network, asset, authorization });
      const payment =
        "mpp" in offer
          ? encodeMppPayment(offer, authorization, signature)
          : encodePayment(offer, authorization, signature);
      return await this.#ledger.markSent(nonce, payment);
    } catch (error) {
      // Not sent, so it can be given back; where even that fails, `recover` does it.
      await this.#ledger.release(nonce, "NEVER_SENT").catch(() => undefined);
      throw error;
    }
  }

  /** An authorization whose window is over may be proven dead by now, and then the purchase can be made anew. */
  async #clearExpired(purchase: string): Promise<void> {
    const entry = await this.#ledger.find(purchase);
    if (!entry || !isOpen(entry.state) || !isOut(entry.state)) return;
    if (entry.validBefore * 1000n < BigInt(Math.floor(this.#now()))) await this.#prove(entry);
  }

  /** Takes an entry as far as the chain proves it. */
  async #prove(entry: LedgerEntry, claim?: Hex): Promise<LedgerEntry> {
    const { nonce } = entry;
    const proof = await proveEntry({ chain: this.#chain, payer: this.address, entry, claim });
    if (proof.state === "settled") return this.#ledger.markSettled(nonce, proof.transaction);
    if (proof.state === "dead") return this.#ledger.release(nonce, proof.reason);
    if (claim !== undefined) return this.#ledger.markClaimed(nonce, claim);
    return entry.state === "sent" ? this.#ledger.markUnknown(nonce) : entry;
  }

  /** The window in which the payment may be settled: short, and open by the chain's clock as well as by ours. */
  async #window(offer: Offer | MppOffer) {
    const { maxTimeoutSeconds } = offer;
    const clock = BigInt(Math.floor(this.#now() / 1000));
    const chain = await this.#chain.now();
    const [earlier, later] = clock < chain ? [clock, chain] : [chain, clock];
    const seconds = BigInt(Math.min(maxTimeoutSeconds, this.#maxTimeoutSeconds));
    const validAfter = earlier > BACKDATE_SECONDS ? earlier - BACKDATE_SECONDS : 0n;
    const validBefore = later + seconds;
    const expires = "mpp" in offer ? offer.expires : undefined;
    return {
      validAfter,
      validBefore: expires !== undefined && expires < validBefore ? expires : validBefore,
    };
  }

  /** 32 bytes that look random to others, and that the chain accepts once: at most one charge per purchase and epoch. */
  #deriveNonce(purchase: string, epoch: number): Hex {
    const mac = createHmac("sha256", this.#nonceSecret.reveal());
    return `0x${mac.update(JSON.stringify([purchase, epoch])).digest("hex")}`;
  }

  #findForeign({ network, asset }: OfferTerms): PaymentError | undefined {
    const own = this.#chain.asset;
    if (network === own.network && asset.toLowerCase() === own.address.toLowerCase())
      return undefined;
    return new PaymentError("OFFER_ASSET", {
      problem: `The offer wants ${asset} on ${network}, and this wallet holds ${own.symbol} on ${own.network}.`,
      nextStep: "Nothing was paid. Choose an offer in the wallet's own token.",
    });
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
    const {
      id: purchase,
      provider,
      service,
      state,
      amount,
      asset,
      network,
      payTo,
      transaction,
    } = record;
    const facts = { purchase, provider, service, state, amount, asset, network, payTo };
    this.#trace?.append({
      type: "payment",
      ...facts,
      ...(transaction === undefined ? {} : { transaction }),
    });
    return record;
  }
}

function unknownPurchase(purchase: string): LedgerError {
  return new LedgerError("PURCHASE_UNKNOWN", {
    problem: `The wallet knows no purchase ${JSON.stringify(purchase.slice(0, 100))}.`,
    nextStep: "Ask it for a payment first.",
  });
}
