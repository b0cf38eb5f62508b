/** What a wallet is made of, and what it is asked for. */
import type { Chain } from "../chain/index.ts";
import type { MppOffer } from "../protocol/mpp.ts";
import type { Offer } from "../protocol/offer.ts";
import type { Secret } from "../protocol/secret.ts";
import type { Trace } from "../protocol/trace.ts";
import type { Ledger, LedgerRate, LedgerScope } from "../store/index.ts";
import type { Policy } from "./check-offer.ts";
import type { Quote } from "./quote.ts";
import type { Signer } from "./signer/index.ts";

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

/** What a payment's bytes are made again from, with its reservation: the offer that was taken, and what it was held against. */
export interface RemakeTerms<AnyOffer = Offer> {
  readonly offer: AnyOffer;
  readonly quote: Pick<Quote, "payTo" | "maxAmount">;
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
  /** How many payments may begin in a minute. */
  readonly rate?: LedgerRate | undefined;
  /** What it takes to make the paid request again after a crash (`KeptRequest`). */
  readonly keep?: Secret | undefined;
}
