/**
 * Rounds for what may wait a little: all that is asked for in one is done together when it is over, with one commit, one sync of the disk and
 * one question for what many have in common.
 */

/** Milliseconds; several purchases that follow one another are in one round, and nobody misses what it brings. */
const ROUND_MS = 50;

export class Rounds {
  #round: { readonly over: Promise<void>; readonly end: () => void } | undefined;

  /** Resolves when the round is over; where none is open, one begins. */
  next(): Promise<void> {
    this.#round ??= this.#begin();
    return this.#round.over;
  }

  /** Ends the open round now. */
  end(): void {
    this.#round?.end();
  }

  #begin() {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const end = () => {
      clearTimeout(timer);
      this.#round = undefined;
      resolve();
    };
    const timer = setTimeout(end, ROUND_MS);
    return { over, end };
  }
}
