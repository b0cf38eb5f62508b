/**
 * What a signer has signed: the sum of each UTC month and of each provider in it, and every nonce with the terms it was signed
 * for. It only grows. Nothing is ever given back: that a payment is dead is proven by the chain, and a signer that cannot reach
 * one would have to take the wallet's word for it.
 */
import type { Hex } from "viem";
import type { SignedTotals } from "./intent.ts";
import type { SignerRule } from "./signer-rules.ts";

/** A wish to sign. Its limits stand in it, so that every process that reads it comes to the same answer. */
export interface Claim {
  /** Milliseconds since the epoch, by the clock of the signer that made it. */
  readonly at: number;
  readonly nonce: Hex;
  /** A digest of all that is signed and what it is for. */
  readonly terms: string;
  readonly provider: string;
  /** Atomic units. */
  readonly amount: bigint;
  readonly maxPerProviderMonth: bigint;
  readonly maxPerMonth: bigint;
}

const DAY_MS = 86_400_000;

export class Counter {
  readonly #terms = new Map<string, string>();
  /** By month, and by month and provider. */
  readonly #sums = new Map<string, bigint>();
  #latest = 0;

  /** How many payments, of all time. */
  get size(): number {
    return this.#terms.size;
  }

  /** The latest time of all claims: a clock that was set back opens no month anew. */
  get latest(): number {
    return this.#latest;
  }

  /** Whether exactly this was signed before; then it is signed again and not counted again. */
  has({ nonce, terms }: Pick<Claim, "nonce" | "terms">): boolean {
    return this.#terms.get(nonce.toLowerCase()) === terms;
  }

  /** Why a claim is not granted, or undefined. */
  judge(claim: Claim): SignerRule | undefined {
    const { nonce, provider, amount, maxPerProviderMonth, maxPerMonth } = claim;
    if (this.has(claim)) return undefined;
    if (this.#terms.has(nonce.toLowerCase())) return "NONCE";
    const month = monthOf(claim.at);
    if (this.#sum(keyOf(month, provider)) + amount > maxPerProviderMonth) return "PROVIDER_LIMIT";
    if (this.#sum(month) + amount > maxPerMonth) return "WALLET_LIMIT";
    return undefined;
  }

  /** Judges a claim, and counts it where it is granted and new. */
  count(claim: Claim): SignerRule | undefined {
    const rule = this.judge(claim);
    this.#latest = Math.max(this.#latest, claim.at);
    if (rule !== undefined || this.has(claim)) return rule;
    this.#terms.set(claim.nonce.toLowerCase(), claim.terms);
    const month = monthOf(claim.at);
    for (const key of [month, keyOf(month, claim.provider)]) {
      this.#sums.set(key, this.#sum(key) + claim.amount);
    }
    return undefined;
  }

  totals(at: number): SignedTotals {
    const month = monthOf(Math.max(at, this.#latest));
    const prefix = keyOf(month, "");
    const providers = [...this.#sums]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, sum]) => [key.slice(prefix.length), sum] as const);
    return { month, total: this.#sum(month), providers: Object.fromEntries(providers) };
  }

  #sum(key: string): bigint {
    return this.#sums.get(key) ?? 0n;
  }
}

/** Nearly every time is of the day of the one before it. */
let lately = { day: NaN, month: "" };

function monthOf(at: number): string {
  const day = Math.floor(at / DAY_MS);
  if (day !== lately.day) lately = { day, month: new Date(at).toISOString().slice(0, 7) };
  return lately.month;
}

function keyOf(month: string, provider: string): string {
  return `${month}/${provider}`;
}
