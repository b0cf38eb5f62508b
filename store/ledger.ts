/**
 * The wallet's book: every authorization from its reservation to its proof, and what each budget and cap has left. It speaks
 * in named commands, each atomic and durable before it resolves, over all processes that share the book. Its invariant, at
 * every commit: for each scope, settled + reserved is at most what the reservation that counted last was allowed.
 */
import type { Address, Hex } from "viem";
import type { PurchaseState } from "../protocol/orchestrator-api.ts";
import type { PaymentHeader } from "../protocol/authorization.ts";
import type { Secret } from "../protocol/secret.ts";
import type { Account, ReleaseProof } from "./ledger-states.ts";

/** The one chain, token and wallet that a book is of: sums over two tokens would mean nothing. */
export interface LedgerIdentity {
  /** CAIP-2. */
  readonly network: string;
  /** The block that tells this chain from every other one of the same id. */
  readonly genesis: Hex;
  readonly asset: Address;
  readonly decimals: number;
  readonly payer: Address;
}

/** A limit that an amount must fit under, together with all that carries the same name. */
export interface LedgerScope {
  /** Such as "run:r1" or "provider:project/cloudflare". */
  readonly name: string;
  /** Which refusal it is: `BUDGET_EXCEEDED` or `CAP_EXCEEDED`. */
  readonly kind: "budget" | "cap";
  /** Atomic units. */
  readonly max: bigint;
  /** Whether it starts anew each UTC month, by the book's own clock, which never goes back. */
  readonly perMonth: boolean;
}

/** How many payments may be begun in any sixty seconds, by whoever shares the book: a brake on a loop that pays, beside the caps. */
export interface LedgerRate {
  readonly name: string;
  readonly max: number;
}

export interface Reservation {
  /** The identity of the logical buy (`purchaseId`): the key of everything that must happen once. */
  readonly purchase: string;
  readonly provider: string;
  readonly service: string;
  /** Digest of the request that is paid for: method, URL, body. */
  readonly fingerprint: string;
  readonly payTo: Address;
  readonly amount: bigint;
  /** Unix seconds. */
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  /** The EIP-3009 nonce of the purchase's nth authorization. */
  readonly nonceOf: (epoch: number) => Hex;
  /** All of them must have room. */
  readonly scopes: readonly LedgerScope[];
  readonly rate?: LedgerRate | undefined;
  /**
   * That it is `sent` from the start, before its bytes are known: for whoever signs at once, hands nothing out before `synced`, and keeps
   * the bytes afterwards (`keepSent`) or takes it back (`withdraw`). Otherwise it is `signing`, and `markSent` says when it goes.
   */
  readonly sent?: boolean | undefined;
  /** What it takes to send the paid request again after a crash; kept, sealed, until it was delivered or cannot be any more. */
  readonly request?: Secret | undefined;
}

/** A request that is paid for and of which no delivery is known; or one that recovery has fetched the answer of. */
export interface KeptRequest {
  readonly entry: LedgerEntry;
  readonly request: Secret;
  readonly answer: Secret | undefined;
}

/** One authorization. */
export interface LedgerEntry extends Omit<
  Reservation,
  "nonceOf" | "scopes" | "rate" | "sent" | "request"
> {
  /** 1 for a purchase's first authorization; a later one exists only where the earlier is proven dead. */
  readonly epoch: number;
  readonly nonce: Hex;
  readonly state: PurchaseState;
  /** The bytes that may be out, from `sent` on; for a moment after it, or where a kill came in between, there are none. */
  readonly payment: Secret<PaymentHeader> | undefined;
  readonly transaction: Hex | undefined;
  /** What it was released on. */
  readonly proof: ReleaseProof | undefined;
  /** Milliseconds since the epoch. */
  readonly reservedAt: number;
  readonly updatedAt: number;
}

export interface Spent {
  readonly settled: bigint;
  readonly reserved: bigint;
}

/** One line of the append-only journal: an amount that moved from one account to another (or stayed). */
export interface JournalLine {
  readonly at: number;
  readonly purchase: string;
  readonly nonce: Hex;
  readonly from: PurchaseState | undefined;
  readonly to: PurchaseState;
  readonly credit: Account;
  readonly debit: Account;
  readonly amount: bigint;
}

/** What `verify` has looked at. */
export interface LedgerVerification {
  readonly lines: number;
  readonly authorizations: number;
  /** Where the chain stands, as hex: kept elsewhere, it tells an older copy of the book from this one. */
  readonly head: string;
}

export interface Ledger {
  /** Makes a new book this chain's, token's and wallet's, or throws `LEDGER_MISMATCH` when it is another's. */
  bind(identity: LedgerIdentity): Promise<void>;
  /**
   * Sets an amount aside under all its scopes, or under none; every process sees it at once, and it is on disk with the next command
   * that is, or `synced`. The caller to whom it was `created` is the one who may ask the signer, and until it is stale another gets
   * `PURCHASE_IN_PROGRESS`. Where the purchase has an authorization that may be out or is paid, that one comes back and nothing is
   * reserved (`created` is false); the same purchase with another request, recipient or amount is `PURCHASE_CONFLICT`.
   */
  reserve(reservation: Reservation): Promise<{ entry: LedgerEntry; created: boolean }>;
  /** Resolves when all that was committed through this object is on disk: before that, nothing leaves. */
  synced(): Promise<void>;
  /** With the bytes, sealed; on disk before the first of them leaves, with its reservation. From here on money may move. */
  markSent(nonce: Hex, payment: PaymentHeader): Promise<LedgerEntry>;
  /**
   * Keeps the bytes, sealed, of what its caller has reserved as sent and hands out meanwhile. Whoever asks in this process has them at once;
   * a kill before it resolves, or a power failure soon after, may take them, and nothing else (docs/decisions/0020-sent-first.md).
   */
  keepSent(nonce: Hex, payment: PaymentHeader): Promise<void>;
  /** Keeps the bytes of one that may be out and has none, before they are handed out; where it has some, they stay. */
  keepPayment(nonce: Hex, payment: PaymentHeader): Promise<LedgerEntry>;
  /**
   * Gives back what its caller has reserved and handed out to nobody, also where it is `sent`: that alone may, and only while no
   * bytes are kept of it, which another caller may have made and sent (`LEDGER_TRANSITION`).
   */
  withdraw(nonce: Hex): Promise<LedgerEntry>;
  /**
   * It was sent, and what came back settles nothing; or the signer has signed for its nonce before, and this book does not know what
   * became of that: then with the Unix second until which it may be good.
   */
  markUnknown(nonce: Hex, validBefore?: bigint): Promise<LedgerEntry>;
  /** The server says that it settled, in this transaction. */
  markClaimed(nonce: Hex, transaction: Hex): Promise<LedgerEntry>;
  /** The chain says so. */
  markSettled(nonce: Hex, transaction: Hex): Promise<LedgerEntry>;
  /** Gives the amount back, on proof. */
  release(nonce: Hex, proof: ReleaseProof): Promise<LedgerEntry>;
  /** The newest authorization of a purchase. */
  find(purchase: string): Promise<LedgerEntry | undefined>;
  /** Every authorization that is neither settled nor released, oldest first. */
  listOpen(): Promise<LedgerEntry[]>;
  /** Every authorization, oldest first. */
  list(): Promise<LedgerEntry[]>;
  /** `month` ("2026-11") is an earlier one of a scope that starts anew each month; this one by default. */
  spent(scope: Pick<LedgerScope, "name" | "perMonth">, month?: string): Promise<Spent>;
  /** The names of the providers' monthly caps under which payments to this payee have counted, without those found on the chain. */
  providerCaps(payTo: Address): Promise<string[]>;
  /**
   * Remembers the highest that a count elsewhere has ever shown, and returns it: where it shows less now, it is an older copy of
   * itself.
   */
  highest(name: string, count: number): Promise<number>;
  /** How many payments were begun under a rate in the last sixty seconds. */
  begun(name: string): Promise<number>;
  /** Every kept request of a purchase that is not released, oldest first; or that of one purchase. */
  listKept(purchase?: string): Promise<KeptRequest[]>;
  /** Keeps what recovery has fetched, for the next identical call. */
  keepAnswer(purchase: string, answer: Secret): Promise<void>;
  /** The caller has its answer: the request is not needed any more. What recovery has fetched stays. */
  forgetRequest(purchase: string): Promise<void>;
  journal(): Promise<JournalLine[]>;
  /** Verifies all of it, from the first line on; throws `LEDGER_UNREADABLE`, and then nothing is paid from it any more. */
  verify(): Promise<LedgerVerification>;
  close(): void;
}
