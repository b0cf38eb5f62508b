/**
 * Prices that were told and may still be paid. A price that is computed for each request may have changed when its buyer comes back
 * with the payment; who was told one may pay it for as long as the offer said. What is no longer sold at all is not sold at an old price
 * either. Kept in this process only: after a restart, or at another process, a payment of an old price is refused, and nobody is charged.
 */
import type { PaywallQuote } from "./door.ts";

interface Kept<Order> {
  readonly quote: PaywallQuote<Order>;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

export interface KeptQuotesOptions {
  readonly now: () => number;
  /** How long an offer says that it may be paid. */
  readonly lifetimeMs: number;
  /** Requests whose prices are kept; those asked longest ago are forgotten. */
  readonly maxRequests?: number;
}

/** Different prices of one request that are kept at once. */
const MAX_PRICES = 8;

export class KeptQuotes<Order> {
  readonly #options: Required<KeptQuotesOptions>;
  /** By the request's fingerprint. */
  readonly #kept = new Map<string, readonly Kept<Order>[]>();

  constructor({ maxRequests = 10_000, ...options }: KeptQuotesOptions) {
    this.#options = { maxRequests, ...options };
  }

  /** The quote was told to whoever made this request. */
  keep(fingerprint: string, quote: PaywallQuote<Order>): void {
    const { now, lifetimeMs, maxRequests } = this.#options;
    const others = this.#live(fingerprint).filter((kept) => !isSame(kept.quote, quote));
    this.#kept.delete(fingerprint);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= maxRequests && oldest !== undefined) this.#kept.delete(oldest);
    const kept = { quote, until: now() + lifetimeMs };
    this.#kept.set(fingerprint, [...others, kept].slice(-MAX_PRICES));
  }

  /** A quote that was told for this request, is still good, and is one that `isPaid` says yes to. */
  find(
    fingerprint: string,
    isPaid: (quote: PaywallQuote<Order>) => boolean,
  ): PaywallQuote<Order> | undefined {
    return this.#live(fingerprint).find(({ quote }) => isPaid(quote))?.quote;
  }

  #live(fingerprint: string): readonly Kept<Order>[] {
    const now = this.#options.now();
    return (this.#kept.get(fingerprint) ?? []).filter(({ until }) => until >= now);
  }
}

function isSame(a: PaywallQuote<unknown>, b: PaywallQuote<unknown>): boolean {
  return a.amount === b.amount && a.payTo === b.payTo && a.asset === b.asset;
}
