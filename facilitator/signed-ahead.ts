/**
 * A transaction that is signed before it is known whether it will be sent: while its payment is verified, the thread has nothing else to
 * do. It is a guess that nobody hears of. What is sent is asked for as ever, and gets the guess's bytes only where every field is the same;
 * otherwise the guess is forgotten.
 */
import type { LocalAccount } from "viem";
import {
  type SignedTransaction,
  signTransaction,
  type TransactionFields,
} from "./raw-transaction.ts";

export interface SignedAheadOptions {
  account: LocalAccount;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** One at a time, for so long: payments that are verified and never settled, however many, cost a signature in two seconds. */
const KEPT_MS = 2_000;

export class SignedAhead {
  readonly #options: SignedAheadOptions;
  #guess:
    | { fields: TransactionFields; signed: Promise<SignedTransaction | undefined>; at: number }
    | undefined;

  constructor(options: SignedAheadOptions) {
    this.#options = options;
  }

  /** Not with a key outside of this process: a device or a service would be asked in vain. */
  guess(fields: TransactionFields): void {
    const { account, now } = this.#options;
    if (account.source !== "privateKey") return;
    const at = now();
    const age = this.#guess ? at - this.#guess.at : KEPT_MS;
    if (age >= 0 && age < KEPT_MS) return;
    this.#guess = { fields, signed: signTransaction(account, fields).catch(() => undefined), at };
  }

  /** What is to be sent now. */
  async sign(fields: TransactionFields): Promise<SignedTransaction> {
    const guess = this.#guess;
    this.#guess = undefined;
    const signed = guess && isSame(guess.fields, fields) ? await guess.signed : undefined;
    return signed ?? signTransaction(this.#options.account, fields);
  }
}

function isSame(a: TransactionFields, b: TransactionFields): boolean {
  return (
    a.chainId === b.chainId &&
    a.nonce === b.nonce &&
    a.to === b.to &&
    a.data === b.data &&
    a.gas === b.gas &&
    a.fees.maxFeePerGas === b.fees.maxFeePerGas &&
    a.fees.maxPriorityFeePerGas === b.fees.maxPriorityFeePerGas
  );
}
