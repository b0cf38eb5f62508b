/**
 * Puts payments into transactions. A payment that finds an idle account leaves at once, with those of the same moment; those
 * that come while every account waits for its block leave together when the first is back. So nobody waits for a batch, and a busy facilitator pays
 * for one transaction where it had many payments. Each payment in a batch fails alone.
 */
import type { Lane, SendOutcome } from "./lane.ts";
import { type ContractCall, encodeBatch } from "./multicall.ts";
import { oncePerTurn } from "./once-per-turn.ts";

/** One payment's call of the token. */
export interface Transfer extends ContractCall {
  readonly key: string;
  /** True where a contract's code runs in it: it goes alone, because that code could burn the gas of the others. */
  readonly isContract: boolean;
}

export interface BatcherOptions {
  lanes: readonly Lane[];
  /** Payments in one transaction at most. */
  maxBatch: number;
  /** Whether the chain has Multicall3. */
  canBatch: () => Promise<boolean>;
}

interface Job {
  readonly transfer: Transfer;
  readonly outcome: PromiseWithResolvers<SendOutcome>;
  /** Accounts whose transaction with it the chain did not take. */
  readonly refusedBy: Set<Lane>;
  isAlone: boolean;
}

/** Some three times what the token needs; a smart wallet checks its signature in the same transaction. */
const GAS = { key: 200_000n, contract: 800_000n };
/** In a batch the payments share what they do not need; a hundred stay below EIP-7825's 2^24 for a transaction. */
const GAS_IN_BATCH = 130_000n;
const GAS_OF_BATCH = 100_000n;

export class Batcher {
  readonly #options: BatcherOptions;
  readonly #queue: Job[] = [];
  readonly #idle: Lane[];
  readonly #pumpSoon = oncePerTurn(() => this.#pump());

  constructor(options: BatcherOptions) {
    this.#options = options;
    this.#idle = [...options.lanes];
  }

  /** Payments that wait for an account. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Sends a payment when its turn has come; rejects only when the chain cannot be read before anything was sent. */
  async send(transfer: Transfer): Promise<SendOutcome> {
    const outcome = Promise.withResolvers<SendOutcome>();
    const isAlone = transfer.isContract || this.#options.maxBatch === 1;
    this.#queue.push({ transfer, outcome, refusedBy: new Set(), isAlone });
    this.#pumpSoon();
    return outcome.promise;
  }

  /** Has it signed by the account that would send it now, alone; nothing is sent. */
  prepare(transfer: Transfer): void {
    if (this.#queue.length === 0) this.#idle[0]?.prepare(callFor([transfer]));
  }

  /** Accounts that have nothing to do share what waits. */
  #pump(): void {
    const lanes = this.#idle.splice(0);
    for (const [at, lane] of lanes.entries()) {
      const jobs = this.#take(lane, Math.ceil(this.#queue.length / (lanes.length - at)));
      if (jobs.length === 0) {
        this.#idle.push(lane);
        continue;
      }
      void this.#run(lane, jobs).finally(() => {
        this.#idle.push(lane);
        this.#pump();
      });
    }
  }

  /** The next payments for an account, its share at most: the oldest one, and with it those that may share its transaction. */
  #take(lane: Lane, share: number): Job[] {
    const most = Math.min(share, this.#options.maxBatch);
    const first = this.#queue.findIndex(({ refusedBy }) => !refusedBy.has(lane));
    const [job] = first === -1 ? [] : this.#queue.splice(first, 1);
    if (!job) return [];
    const jobs = [job];
    if (job.isAlone) return jobs;
    for (let at = 0; at < this.#queue.length && jobs.length < most;) {
      const next = this.#queue[at];
      if (next && !next.isAlone && !next.refusedBy.has(lane)) {
        this.#queue.splice(at, 1);
        jobs.push(next);
      } else at += 1;
    }
    return jobs;
  }

  async #run(lane: Lane, jobs: Job[]): Promise<void> {
    try {
      if (jobs.length > 1 && !(await this.#options.canBatch())) {
        for (const job of jobs) job.isAlone = true;
        this.#queue.unshift(...jobs.splice(1));
      }
      const outcome = await lane.send(callFor(jobs.map(({ transfer }) => transfer)));
      if (outcome.state === "refused") this.#refuse(lane, jobs, outcome);
      else for (const job of jobs) job.outcome.resolve(outcome);
    } catch (error) {
      for (const job of jobs) job.outcome.reject(error);
    }
  }

  /** Another account may have the gas that this one lacks, and a payment alone may go where the batch did not. */
  #refuse(lane: Lane, jobs: readonly Job[], outcome: SendOutcome): void {
    for (const job of jobs) {
      job.refusedBy.add(lane);
      const isEverywhere = job.refusedBy.size === this.#options.lanes.length;
      if (isEverywhere && jobs.length === 1) {
        job.outcome.resolve(outcome);
        continue;
      }
      if (isEverywhere) {
        job.isAlone = true;
        job.refusedBy.clear();
      }
      this.#queue.unshift(job);
    }
  }
}

function callFor(transfers: readonly Transfer[]) {
  const keys = transfers.map(({ key }) => key);
  const [first] = transfers;
  if (!first) throw new Error("a transaction needs a payment");
  if (transfers.length === 1) {
    const gas = first.isContract ? GAS.contract : GAS.key;
    return { to: first.to, data: first.data, gas, keys };
  }
  const gas = GAS_OF_BATCH + GAS_IN_BATCH * BigInt(transfers.length);
  return { ...encodeBatch(transfers), gas, keys };
}
