/**
 * Settles a payment once, however often and by however many it is asked: the authorization (asset, payer, nonce) is the key, and
 * the chain, not our memory, says whether it was used. So a copy gets the first one's answer, also after a restart, and a seller
 * that crashed between settling and recording may simply ask again. What is not known to have failed is never called failed.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Hex, PublicClient } from "viem";
import { readAuthorization, readOutcome } from "../chain/index.ts";
import type { Asset } from "../protocol/asset.ts";
import type { Batcher, Transfer } from "./batcher.ts";
import { unsettleable } from "./checks.ts";
import type { Lane, SendOutcome } from "./lane.ts";
import { knows, readReceipt, type Receipt } from "./lookup.ts";
import type { PayerState } from "./payer-state.ts";
import { type Payment, settlementKey } from "./payment.ts";
import type { PendingStore } from "./pending-store.ts";
import type { RefusalReason } from "./refusal.ts";
import { encodeTransfer } from "./transfer-call.ts";

export type Settlement = { settled: true; transaction: Hex } | FailedSettlement;

interface FailedSettlement {
  settled: false;
  reason: RefusalReason;
  /** The chain's own words, where it has any. */
  detail?: string | undefined;
  /** Where one was sent. */
  transaction?: Hex | undefined;
}

export interface SettlerOptions {
  client: PublicClient;
  asset: Asset;
  batcher: Batcher;
  lanes: readonly Lane[];
  store: PendingStore;
  readState: (payment: Payment) => Promise<PayerState>;
  /** How long to wait for a block before the answer is "pending". */
  confirmationTimeoutMs: number;
}

const POLL_MS = 50;

export class Settler {
  readonly #options: SettlerOptions;
  /** Settlements under way, by authorization. */
  readonly #running = new Map<string, { payment: Payment; result: Promise<Settlement> }>();

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** Settlements under way. */
  get running(): number {
    return this.#running.size;
  }

  /**
   * Settles a payment whose terms and signature are good, or joins the settlement of the same authorization that is under way.
   * Rejects only when the chain cannot be read.
   */
  async settle(payment: Payment, state: PayerState): Promise<Settlement> {
    const key = settlementKey(payment);
    let newest = state;
    for (let running = this.#running.get(key); running; running = this.#running.get(key)) {
      if (isSameTransfer(running.payment, payment)) return running.result;
      await running.result.catch(() => undefined);
      newest = await this.#options.readState(payment);
    }
    const result = this.#settle(key, payment, newest).finally(() => this.#running.delete(key));
    this.#running.set(key, { payment, result });
    return result;
  }

  /** Has ready what settling a key's payment would send, where nothing else is being settled; sends nothing. */
  prepare(payment: Payment): void {
    if (this.running === 0) this.#options.batcher.prepare(this.#transferOf(payment, false));
  }

  #transferOf(payment: Payment, isContract: boolean): Transfer {
    const data = encodeTransfer(payment, isContract);
    return { key: settlementKey(payment), to: this.#options.asset.address, data, isContract };
  }

  async #settle(key: string, payment: Payment, state: PayerState): Promise<Settlement> {
    const { client, batcher, store } = this.#options;
    if (state.used) return this.#findUse(key, payment);
    const earlier = store.findTransaction(key);
    if (earlier !== undefined && (this.#flightOf(earlier) || (await knows(client, earlier)))) {
      const outcome = await this.#conclude(key, payment, { state: "sent", transaction: earlier });
      // The earlier transaction was another payment's with the same nonce, and `state` is older than it.
      const isOther =
        !outcome.settled && outcome.reason === "invalid_exact_evm_transfer_event_mismatch";
      const reason = "invalid_exact_evm_nonce_already_used";
      return isOther ? { settled: false, reason } : outcome;
    }
    const reason = unsettleable(payment, state);
    if (reason) return { settled: false, reason };
    const transfer = this.#transferOf(payment, state.isContract);
    return this.#conclude(key, payment, await batcher.send(transfer));
  }

  /** What became of a transaction: only its receipt and its logs count. */
  async #conclude(key: string, payment: Payment, outcome: SendOutcome): Promise<Settlement> {
    if (outcome.state === "refused") {
      return { settled: false, reason: "unexpected_settle_error", detail: outcome.detail };
    }
    const receipt =
      outcome.state === "mined" ? outcome.receipt : await this.#waitForReceipt(outcome.transaction);
    if (!receipt) {
      const { transaction } = outcome as { transaction: Hex };
      return { settled: false, reason: "settlement_pending", transaction };
    }
    const transaction = receipt.transactionHash;
    const proof = readOutcome(receipt, this.#options.asset, payment.authorization);
    if (proof === "settled") {
      const isRecorded = outcome.state === "mined" && !outcome.isReplaced;
      if (!isRecorded) this.#options.store.point(key, transaction);
      return { settled: true, transaction };
    }
    if (proof === undefined) return this.#explainFailure(key, payment, receipt);
    return { settled: false, reason: "invalid_exact_evm_transfer_event_mismatch", transaction };
  }

  /** A call that failed has a cause on the chain: somebody else settled the payment, or its payer spent the money. */
  async #explainFailure(
    key: string,
    payment: Payment,
    { status, to, transactionHash: transaction }: Receipt,
  ): Promise<Settlement> {
    this.#options.store.forgetPayment(key);
    const state = await this.#options.readState(payment);
    if (state.used) return this.#findUse(key, payment);
    const reason = unsettleable(payment, state);
    if (reason) return { settled: false, reason, transaction };
    // A single call that succeeded without the event was no settlement; one of a batch failed inside of it.
    const isSilent = status === "success" && to?.toLowerCase() === this.#tokenAddress();
    const silent = "invalid_exact_evm_transfer_event_mismatch";
    return {
      settled: false,
      reason: isSilent ? silent : "invalid_transaction_state",
      transaction,
    };
  }

  #tokenAddress(): string {
    return this.#options.asset.address.toLowerCase();
  }

  async #findUse(key: string, { authorization }: Payment): Promise<Settlement> {
    const { client, asset, store } = this.#options;
    const transaction = store.findTransaction(key);
    const proof = await readAuthorization({ client, asset, authorization, transaction });
    if (proof.state !== "settled") {
      return { settled: false, reason: "invalid_exact_evm_nonce_already_used" };
    }
    store.point(key, proof.transaction);
    return { settled: true, transaction: proof.transaction };
  }

  /** Of any attempt with the same nonce, or undefined when none is mined within the time to wait. */
  async #waitForReceipt(hash: Hex): Promise<Receipt | undefined> {
    const { client, confirmationTimeoutMs } = this.#options;
    const known = this.#flightOf(hash);
    if (known) return known.lane.flights.wait(known.flight, confirmationTimeoutMs);
    for (let waited = 0; ; waited += POLL_MS) {
      const receipt = await readReceipt(client, hash);
      if (receipt || waited >= confirmationTimeoutMs) return receipt;
      await delay(POLL_MS);
    }
  }

  #flightOf(hash: Hex) {
    for (const lane of this.#options.lanes) {
      const flight = lane.flights.find(hash);
      if (flight) return { lane, flight };
    }
    return undefined;
  }
}

function isSameTransfer({ authorization: a }: Payment, { authorization: b }: Payment): boolean {
  return a.to === b.to && a.value === b.value;
}
