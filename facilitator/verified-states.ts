/**
 * What a verification has just read of the chain, kept for the settlement that follows it: a seller verifies, does its work and
 * settles, and to ask the chain twice is what a buyer would wait for longest. Good once, for a key's payment only (a wallet's code may
 * change its mind), and no longer than a block of Base's; what changes meanwhile is met as what changes while a transaction waits for
 * its block: its call fails, and why is asked then.
 */
import type { PayerState } from "./payer-state.ts";
import { isSamePayment, type Payment, settlementKey } from "./payment.ts";

interface Verified {
  readonly payment: Payment;
  readonly state: PayerState;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const BELIEVED_MS = 2_000;
/** Payments that are verified and never settled are forgotten when there are more. */
const KEPT = 10_000;

export class VerifiedStates {
  readonly #now: () => number;
  readonly #verified = new Map<string, Verified>();

  /** `now` in milliseconds since 1970. */
  constructor({ now }: { now: () => number }) {
    this.#now = now;
  }

  /** For a payment that could be settled in this state. */
  keep(payment: Payment, state: PayerState): void {
    if (state.isContract) return;
    const [oldest] = this.#verified.keys();
    if (this.#verified.size >= KEPT && oldest !== undefined) this.#verified.delete(oldest);
    this.#verified.set(settlementKey(payment), { payment, state, at: this.#now() });
  }

  /** Once; undefined where the chain has to be asked. */
  take(payment: Payment): PayerState | undefined {
    const key = settlementKey(payment);
    const found = this.#verified.get(key);
    if (!found || !isSamePayment(found.payment, payment)) return undefined;
    this.#verified.delete(key);
    const { state, at } = found;
    const now = this.#now();
    if (now < at || now - at > BELIEVED_MS) return undefined;
    const clock = BigInt(Math.floor(now / 1000));
    return clock > state.time ? { ...state, time: clock } : state;
  }
}
