/**
 * Sends transactions from one account, one after another, with its own nonce counter: a send that fails gives its nonce back, so
 * that one failure never strands those that follow. (viem's `nonceManager` does strand them.) What left and is not known to be
 * over is followed in the background, also after a restart; see `flights.ts`.
 */
import type { Address, Hex, LocalAccount } from "viem";
import { type BaseFee, type FeeLimits, type Fees, firstFees } from "./fees.ts";
import { Flights } from "./flights.ts";
import type { FacilitatorLog } from "./log.ts";
import type { Receipt } from "./lookup.ts";
import type { PendingStore } from "./pending-store.ts";
import { signTransaction, type TransactionFields } from "./raw-transaction.ts";
import { SignedAhead } from "./signed-ahead.ts";
import { detailOf, Submission, type SubmissionOptions } from "./submission.ts";

export interface Call {
  to: Address;
  data: Hex;
  /** Fixed by the caller: estimating costs a call to the chain, and lies when other payments are under way. */
  gas: bigint;
  /** The payments in it. */
  keys: readonly string[];
}

export type SendOutcome =
  /** `isReplaced`: in another form than the one that was recorded with the call's payments. */
  | { state: "mined"; receipt: Receipt; isReplaced: boolean }
  /** The chain has it, or may have it: it can still be mined. */
  | { state: "sent"; transaction: Hex }
  /** The chain did not take it: it can never be mined. */
  | { state: "refused"; detail: string };

export interface LaneOptions extends SubmissionOptions {
  baseFee: BaseFee;
  account: LocalAccount;
  chainId: number;
  limits: FeeLimits;
  store: PendingStore;
  log: FacilitatorLog;
  /** Milliseconds since 1970. */
  now: () => number;
  /** How long a transaction may wait for its block before it is sent again at a higher fee. */
  replaceAfterMs: number;
}

/** A nonce that another sender of the same account took is noticed and replaced this many times. */
const ATTEMPTS = 3;

export class Lane {
  readonly #options: LaneOptions;
  readonly flights: Flights;
  /** The nonce to use next; undefined when only the chain knows. */
  #nonce: number | undefined;
  /** Nonces whose transaction is over, to be forgotten with the next write. */
  #over: number[] = [];
  readonly #submission: Submission;
  readonly #ahead: SignedAhead;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#submission = new Submission(options);
    this.#ahead = new SignedAhead(options);
    this.flights = new Flights({
      ...options,
      sign: (call, nonce, fees) =>
        signTransaction(options.account, this.#fieldsOf(call, nonce, fees)),
      onEnd: () => (this.#nonce = undefined),
    });
  }

  get address(): Address {
    return this.#options.account.address;
  }

  /**
   * Signs what `send` would send of this call, and sends nothing; only where the chain need not be asked for it. Where the fee is not known, it
   * is asked for now, and `send` need not wait for it.
   */
  prepare(call: Call): void {
    const { baseFee, limits } = this.#options;
    const nonce = this.#nonce;
    const base = baseFee.known;
    // Whoever sends hears of a failure.
    if (base === undefined) return void baseFee.get().catch(() => undefined);
    if (nonce === undefined) return;
    const fees = firstFees(base, limits);
    if (fees) this.#ahead.guess(this.#fieldsOf(call, nonce, fees));
  }

  /** Signs and sends a call; one at a time. It never rejects once something may have been sent. */
  async send(call: Call): Promise<SendOutcome> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#attempt(call);
      if (outcome.state !== "refused" || attempt === ATTEMPTS) return outcome;
    }
  }

  async #attempt(call: Call): Promise<SendOutcome> {
    const { limits, store, now, log, baseFee } = this.#options;
    const fees = firstFees(await baseFee.get(), limits);
    if (!fees) return { state: "refused", detail: "Gas costs more than the facilitator's limit" };
    const { address: account } = this;
    const nonce = this.#nonce ?? (await this.#readNonce());
    const { serialized, hash } = await this.#ahead.sign(this.#fieldsOf(call, nonce, fees));
    // From here on nothing is certain until the chain has answered.
    this.#nonce = undefined;
    const { keys } = call;
    const over = this.#over.splice(0);
    await store.record({ account, nonce, hash, serialized, at: now(), keys, over });
    log({ event: "sent", account, nonce, transaction: hash, payments: keys.length });
    let isKnown = true;
    try {
      const receipt = await this.#submission.submit(serialized, hash);
      this.#nonce = nonce + 1;
      if (receipt) {
        this.#over.push(nonce);
        baseFee.learn(receipt.effectiveGasPrice, fees);
        log({ event: "concluded", account, nonce, outcome: "mined" });
        return { state: "mined", receipt, isReplaced: false };
      }
    } catch (cause) {
      const verdict = await this.#submission.judge(hash, cause);
      if (verdict === "refused") {
        const detail = detailOf(cause);
        store.forgetAttempt(hash);
        log({ event: "not_taken", account, nonce, detail });
        return { state: "refused", detail };
      }
      isKnown = verdict === "known";
    }
    const flight = this.flights.add({
      nonce,
      attempts: [{ hash, serialized }],
      at: now(),
      isKnown,
    });
    const receipt = isKnown
      ? await this.flights.wait(flight, this.#submission.patienceMs)
      : undefined;
    if (!receipt) return { state: "sent", transaction: hash };
    return { state: "mined", receipt, isReplaced: receipt.transactionHash !== hash };
  }

  /** The lowest nonce that neither the chain nor a transaction under way has. */
  async #readNonce(): Promise<number> {
    const { client } = this.#options;
    const { address } = this;
    let nonce = await client.getTransactionCount({ address, blockTag: "pending" });
    while (this.flights.hasNonce(nonce)) nonce += 1;
    return nonce;
  }

  #fieldsOf(
    { to, data, gas }: Pick<Call, "to" | "data" | "gas">,
    nonce: number,
    fees: Fees,
  ): TransactionFields {
    return { chainId: this.#options.chainId, nonce, to, data, gas, fees };
  }
}
