/**
 * The transactions of one account that left and are not known to be over. Each is followed to its end: mined, or displaced by
 * another one with its nonce. One that the chain forgot is sent again as it was; one that waits too long is sent again with the
 * same nonce and a higher fee, so that at most one of the two can ever be mined, and what waits behind it is freed.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Hex } from "viem";
import type { FacilitatorLog } from "./log.ts";
import { readReceipt, type Receipt } from "./lookup.ts";
import { type Flight, replace, type ReplaceOptions, sendAgain } from "./resend.ts";

interface FollowedFlight extends Flight {
  readonly end: PromiseWithResolvers<Receipt | undefined>;
  /** True once its nonce was seen used without a receipt: nodes behind one address may disagree for a moment. */
  looksDisplaced: boolean;
}

export interface FlightsOptions extends ReplaceOptions {
  log: FacilitatorLog;
  replaceAfterMs: number;
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
    const { client, account, now, replaceAfterMs, log } = this.#options;
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
      const higher = isOldest ? await replace(flight, this.#options) : undefined;
      await this.#sendAgain(flight);
      if (higher) log({ event: "sent_again", ...higher });
      flight.at = now();
    }
  }

  async #sendAgain(flight: FollowedFlight): Promise<void> {
    const state = await sendAgain(flight, this.#options.client);
    if (state === "refused") this.#end(flight, undefined);
    else if (state === "known") flight.isKnown = true;
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
