/**
 * The transactions of one account that left and are not known to be over. Each is followed to its end: mined, or displaced by
 * another one with its nonce. One that the chain forgot is sent again as it was; one that waits too long is sent again with the
 * same nonce and a higher fee, so that at most one of the two can ever be mined, and what waits behind it is freed.
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  type Address,
  type Hex,
  type LocalAccount,
  parseTransaction,
  type PublicClient,
} from "viem";
import { type FeeLimits, type Fees, replacementFees } from "./fees.ts";
import type { FacilitatorLog } from "./log.ts";
import { knows, readReceipt, type Receipt } from "./lookup.ts";
import type { PendingStore } from "./pending-store.ts";
import type { SignedTransaction } from "./raw-transaction.ts";
import { isTransportError } from "./transport-error.ts";

/** One nonce, in all the forms in which it was sent. */
export interface Flight {
  readonly nonce: number;
  /** Newest first. */
  readonly attempts: { hash: Hex; serialized: Hex }[];
  /** Milliseconds since 1970, of the newest attempt. */
  at: number;
  /** False where the chain may never have heard of it. */
  isKnown: boolean;
}

interface FollowedFlight extends Flight {
  readonly end: PromiseWithResolvers<Receipt | undefined>;
  /** True once its nonce was seen used without a receipt: nodes behind one address may disagree for a moment. */
  looksDisplaced: boolean;
}

export interface FlightsOptions {
  client: PublicClient;
  account: LocalAccount;
  store: PendingStore;
  limits: FeeLimits;
  log: FacilitatorLog;
  now: () => number;
  replaceAfterMs: number;
  sign: (
    call: { to: Address; data: Hex; gas: bigint },
    nonce: number,
    fees: Fees,
  ) => Promise<SignedTransaction>;
  /** The nonce counter may be wrong now. */
  onEnd: () => void;
}

const FIRST_POLL_MS = 50;
const LAST_POLL_MS = 1_000;

export class Flights {
  readonly #options: FlightsOptions;
  readonly #flights = new Map<number, FollowedFlight>();
  readonly #closing = new AbortController();
  #isFollowing = false;

  constructor(options: FlightsOptions) {
    this.#options = options;
    for (const sent of options.store.listSent(options.account.address)) {
      this.add({ ...sent, attempts: [...sent.attempts], isKnown: false });
    }
  }

  get size(): number {
    return this.#flights.size;
  }

  hasNonce(nonce: number): boolean {
    return this.#flights.has(nonce);
  }

  find(hash: Hex): Flight | undefined {
    return [...this.#flights.values()].find(({ attempts }) =>
      attempts.some((attempt) => attempt.hash === hash),
    );
  }

  add(flight: Flight): Flight {
    const end = Promise.withResolvers<Receipt | undefined>();
    const followed = { ...flight, end, looksDisplaced: false };
    this.#flights.set(flight.nonce, followed);
    void this.#follow();
    return followed;
  }

  /** The flight's receipt, or undefined when it was displaced or this time passed. */
  async wait(flight: Flight, timeoutMs: number): Promise<Receipt | undefined> {
    const followed = this.#flights.get(flight.nonce);
    if (!followed || timeoutMs <= 0) return undefined;
    const timer = new AbortController();
    const late = delay(timeoutMs, undefined, { signal: timer.signal }).catch(() => undefined);
    const receipt = await Promise.race([followed.end.promise, late]);
    timer.abort();
    return receipt;
  }

  /** Follows no more; what is open is found again at the next start. */
  close(): void {
    this.#closing.abort();
  }

  async #follow(): Promise<void> {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    const { signal } = this.#closing;
    let pause = FIRST_POLL_MS;
    while (this.#flights.size > 0 && !signal.aborted) {
      await delay(pause, undefined, { ref: false, signal }).catch(() => undefined);
      pause = Math.min(pause * 1.1, LAST_POLL_MS);
      const [oldest] = [...this.#flights.keys()].sort((a, b) => a - b);
      for (const flight of this.#flights.values()) {
        if (signal.aborted) break;
        // A chain that cannot be asked is asked again.
        await this.#look(flight, flight.nonce === oldest).catch(() => undefined);
      }
    }
    this.#isFollowing = false;
  }

  async #look(flight: FollowedFlight, isOldest: boolean): Promise<void> {
    const { client, account, now, replaceAfterMs } = this.#options;
    for (const { hash } of flight.attempts) {
      const receipt = await readReceipt(client, hash);
      if (receipt) return this.#end(flight, receipt);
    }
    const { address } = account;
    const used = await client.getTransactionCount({ address, blockTag: "latest" });
    if (used > flight.nonce) {
      if (flight.looksDisplaced) this.#end(flight, undefined);
      flight.looksDisplaced = true;
    } else if (!flight.isKnown) {
      await this.#sendAgain(flight);
    } else if (now() - flight.at >= replaceAfterMs) {
      if (!isOldest || !(await this.#replace(flight))) await this.#sendAgain(flight);
      flight.at = now();
    }
  }

  /** The same bytes: the chain may have forgotten them, or never had them. */
  async #sendAgain(flight: FollowedFlight): Promise<void> {
    const { client } = this.#options;
    const newest = flight.attempts[0];
    if (!newest) return;
    const { hash, serialized: serializedTransaction } = newest;
    try {
      await client.sendRawTransaction({ serializedTransaction });
    } catch (error) {
      if (isTransportError(error)) return;
      if (!flight.isKnown && !(await knows(client, hash))) return this.#end(flight, undefined);
    }
    flight.isKnown = true;
  }

  /** The same call and nonce at a higher fee; false where the ceiling forbids one. */
  async #replace(flight: FollowedFlight): Promise<boolean> {
    const { client, account, limits, store, log, now, sign } = this.#options;
    const newest = flight.attempts[0];
    if (!newest) return false;
    const { to, data, gas, maxFeePerGas, maxPriorityFeePerGas } = parseTransaction(
      newest.serialized,
    );
    const before = {
      maxFeePerGas: maxFeePerGas ?? 0n,
      maxPriorityFeePerGas: maxPriorityFeePerGas ?? 0n,
    };
    const { baseFeePerGas } = await client.getBlock();
    const fees = replacementFees(before, baseFeePerGas ?? 0n, limits);
    if (!fees || !to || !data || gas === undefined) return false;
    const { nonce } = flight;
    const { serialized, hash } = await sign({ to, data, gas }, nonce, fees);
    store.record({ account: account.address, nonce, hash, serialized, at: now(), keys: [] });
    flight.attempts.unshift({ hash, serialized });
    const fee = fees.maxFeePerGas.toString();
    const facts = { account: account.address, nonce, transaction: hash, maxFeePerGas: fee };
    await this.#sendAgain(flight);
    log({ event: "sent_again", ...facts });
    return true;
  }

  #end(flight: FollowedFlight, receipt: Receipt | undefined): void {
    const { account, store, log, onEnd } = this.#options;
    const { nonce } = flight;
    this.#flights.delete(nonce);
    store.forgetAttempts(account.address, nonce);
    const outcome = receipt ? "mined" : "displaced";
    log({ event: "concluded", account: account.address, nonce, outcome });
    onEnd();
    flight.end.resolve(receipt);
  }
}
