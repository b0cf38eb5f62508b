/** What is bought in a span of a turn, until that span is over; what ends later is not counted. */

/** Ends with the first of the two; what failed was not bought. */
export interface Span {
  readonly ms: number;
  readonly purchases: number;
}

export class Bought {
  /** Milliseconds for each purchase. */
  readonly times: number[] = [];
  failed = 0;
  why = "";
  /** How long the span took, in milliseconds; undefined while it goes on. */
  ms: number | undefined;
  readonly #span: Span;
  readonly #from = performance.now();

  constructor(span: Span) {
    this.#span = span;
  }

  /** A purchase that ends now, and what became of it. */
  add(tookMs: number, problem: string | undefined): void {
    if (this.ms !== undefined) return;
    const { ms, purchases } = this.#span;
    const tookAll = performance.now() - this.#from;
    // One that is held up for long, by a server that waits for what never comes, makes the span no longer.
    if (tookAll >= ms) {
      this.ms = ms;
      return;
    }
    if (problem === undefined) {
      this.times.push(tookMs);
    } else {
      this.failed += 1;
      this.why = problem;
    }
    if (this.times.length >= purchases) this.ms = tookAll;
  }
}
