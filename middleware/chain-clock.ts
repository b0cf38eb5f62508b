/**
 * The chain's clock, kept as its distance from ours, so that a payment does not wait for a question to the chain. The distance is read
 * before the first use, again in the background when it is no longer fresh, and waited for when it is too old to go by. It only
 * shapes the window of a payment; whether one has expired is never taken from here, but from a finalized block.
 */
import type { Chain } from "../chain/index.ts";

export interface ChainClockOptions {
  readonly chain: Pick<Chain, "now">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Up to this age the distance is used as it is. */
const FRESH_MS = 2_000;
/** Up to this age it is used while it is read again. */
const USABLE_MS = 60_000;

export class ChainClock {
  readonly #chain: Pick<Chain, "now">;
  readonly #now: () => number;
  #known: { readonly aheadMs: number; readonly at: number } | undefined;
  #reading: Promise<void> | undefined;

  constructor({ chain, now }: ChainClockOptions) {
    this.#chain = chain;
    this.#now = now;
  }

  /** About what the chain's newest block would say, in Unix seconds; throws what the chain throws when it must be asked. */
  async read(): Promise<bigint> {
    const age = this.#known === undefined ? undefined : this.#now() - this.#known.at;
    const fresh = age !== undefined && age >= 0 && age <= FRESH_MS;
    if (!fresh) {
      const reading = this.#readAgain();
      // A clock of ours that was set back says nothing about age.
      if (age === undefined || age < 0 || age > USABLE_MS) await reading;
      else reading.catch(() => undefined);
    }
    return BigInt(Math.floor((this.#now() + (this.#known?.aheadMs ?? 0)) / 1000));
  }

  /** Something has shown that the chain's clock is not where we thought: the next use asks. */
  forget(): void {
    this.#known = undefined;
  }

  #readAgain(): Promise<void> {
    this.#reading ??= this.#ask().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #ask(): Promise<void> {
    const chainMs = Number(await this.#chain.now()) * 1000;
    const at = this.#now();
    this.#known = { aheadMs: chainMs - at, at };
  }
}
