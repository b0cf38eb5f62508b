/**
 * The chain's clock, kept by a stopwatch from when it was last read, so that a payment does not wait for a question to the chain. It
 * is read before the first use, again in the background when that is no longer fresh, and waited for when it is too long ago to go by.
 * A clock of ours that is set does not move it. It only shapes the window of a payment; whether one has expired is never taken from
 * here, but from a finalized block.
 */
import type { Chain } from "../chain/index.ts";

export interface ChainClockOptions {
  readonly chain: Pick<Chain, "now">;
  /** Milliseconds of a stopwatch, which nobody can set. */
  readonly elapsed?: () => number;
}

/** Up to this age a reading is used as it is. */
const FRESH_MS = 2_000;
/** Up to this age it is used while it is read again. */
const USABLE_MS = 60_000;

export class ChainClock {
  readonly #chain: Pick<Chain, "now">;
  readonly #elapsed: () => number;
  #known: { readonly chainMs: number; readonly at: number } | undefined;
  #reading: Promise<void> | undefined;

  constructor({ chain, elapsed = () => performance.now() }: ChainClockOptions) {
    this.#chain = chain;
    this.#elapsed = elapsed;
  }

  /** About what the chain's newest block would say, in Unix seconds; throws what the chain throws when it must be asked. */
  async read(): Promise<bigint> {
    const age = this.#age;
    if (age === undefined || age > FRESH_MS) {
      const reading = this.#readAgain();
      if (age === undefined || age > USABLE_MS) await reading;
      else reading.catch(() => undefined);
    }
    const { chainMs = 0 } = this.#known ?? {};
    return BigInt(Math.floor((chainMs + (this.#age ?? 0)) / 1000));
  }

  /** Milliseconds since the chain was asked, or undefined. */
  get #age(): number | undefined {
    return this.#known && this.#elapsed() - this.#known.at;
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
    this.#known = { chainMs, at: this.#elapsed() };
  }
}
