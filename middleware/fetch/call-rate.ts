/** How many payments were begun lately, in this process: a brake on a loop that pays, beside the caps, which are the limit. */
import { PaymentError } from "../payment-error.ts";

const MINUTE_MS = 60_000;

export class CallRate {
  readonly #now: () => number;
  #begun: number[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** What is wrong with one more, or undefined. */
  findExcess(max: number): PaymentError | undefined {
    const since = this.#now() - MINUTE_MS;
    // A clock that goes back forgets nothing.
    this.#begun = this.#begun.filter((at) => at > since);
    if (this.#begun.length < max) return undefined;
    return new PaymentError("RATE_EXCEEDED", {
      problem: `${this.#begun.length} payments were begun in the last minute, and the policy allows ${max}.`,
      nextStep: "Nothing was paid. Wait a minute, or find out what pays so often.",
    });
  }

  count(): void {
    this.#begun.push(this.#now());
  }
}
