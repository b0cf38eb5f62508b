/**
 * The bytes of payments that are handed out and not in the book yet. They go into it with what becomes of the payment, which most often is
 * known in a moment, or by themselves, whichever is first; that spares the book a row's second writing for each payment.
 */
import type { Hex } from "viem";
import type { PaymentHeader } from "../protocol/authorization.ts";
import { Secret } from "../protocol/secret.ts";

interface Waiting {
  readonly payment: Secret<PaymentHeader>;
  readonly timer: NodeJS.Timeout;
  readonly keep: () => void;
  readonly isKept: () => void;
}

export class HandedOut {
  readonly #keepAfterMs: number;
  /** By nonce, in small letters. */
  readonly #waiting = new Map<string, Waiting>();

  constructor(keepAfterMs: number) {
    this.#keepAfterMs = keepAfterMs;
  }

  find(nonce: Hex): Secret<PaymentHeader> | undefined {
    return this.#waiting.get(nonce.toLowerCase())?.payment;
  }

  /** Resolves when they are in the book, `keep` having put them there or `kept` having been told; rejects as `keep` does. */
  add(nonce: Hex, payment: PaymentHeader, write: () => Promise<void>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const key = nonce.toLowerCase();
    const keep = () => {
      write()
        .finally(() => this.#waiting.delete(key))
        .then(resolve, reject);
    };
    const timer = setTimeout(keep, this.#keepAfterMs);
    this.#waiting.set(key, { payment: new Secret(payment), timer, keep, isKept: resolve });
    return promise;
  }

  /** They are in the book. */
  kept(nonce: Hex): void {
    const key = nonce.toLowerCase();
    const waiting = this.#waiting.get(key);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(key);
    waiting.isKept();
  }

  /** Those that still wait go into the book now. */
  keepAll(): void {
    for (const { timer, keep } of this.#waiting.values()) {
      clearTimeout(timer);
      keep();
    }
  }
}
