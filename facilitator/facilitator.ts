/**
 * A facilitator verifies x402 payments and settles them on one chain, in one asset, from an account that pays the gas and never
 * holds a payment. It speaks x402 v1 and v2. Every answer is one of the specification's; it throws only `ChainError`s, when the
 * chain cannot be read, which say nothing about the payment.
 */
import { createPublicClient, http } from "viem";
import { openJsonRpc, reading } from "../chain/index.ts";
import { BASE_SEPOLIA_USDC } from "../protocol/asset.ts";
import { type Database, openDatabase } from "../store/index.ts";
import {
  refusedSettle,
  refusedVerify,
  type SettleAnswer,
  type SupportedAnswer,
  type VerifyAnswer,
} from "./answers.ts";
import { Batcher } from "./batcher.ts";
import { requireSigned, requireTerms, requireVerifiable } from "./checks.ts";
import { BaseFee } from "./fees.ts";
import { type HealthAnswer, pendingOf, readHealth } from "./health.ts";
import { Lane } from "./lane.ts";
import type { FacilitatorEvent } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { requireAllowed } from "./network.ts";
import { multicallCheck } from "./multicall.ts";
import type { FacilitatorOptions } from "./options.ts";
import { payerReader } from "./payer-reader.ts";
import { PayerStates } from "./payer-state.ts";
import { type Payment, type PaymentRequest, readNetwork, readPayment } from "./payment.ts";
import { Refusal } from "./refusal.ts";
import { PendingStore } from "./pending-store.ts";
import { Settler } from "./settlement.ts";
import { VerifiedStates } from "./verified-states.ts";

export interface Facilitator {
  /**
   * Whether a payment could be settled, as what the seller requires. Moves nothing. Both are as they came: a payer's decoded
   * payment header, and the entry of `accepts`. `x402Version` is what the envelope around both said, where there was one.
   */
  verify(payload: unknown, requirements: unknown, x402Version?: unknown): Promise<VerifyAnswer>;
  /** Settles a payment, or says what became of it; the same payment always gets the same answer. */
  settle(payload: unknown, requirements: unknown, x402Version?: unknown): Promise<SettleAnswer>;
  supported(): SupportedAnswer;
  /** The same under the name by which `@x402/core`'s servers ask, so that they take this object as their facilitator. */
  getSupported(): Promise<SupportedAnswer>;
  /** Whether it can settle now. */
  health(): Promise<HealthAnswer>;
  /** Its own, in which it records a transaction, and has that on the disk, before the transaction leaves. */
  readonly syncs: Database;
  /** Counts since its start, in Prometheus' text format. */
  metrics(): string;
  /** Follows its transactions no more; the next one with the same database finds them. */
  close(): void;
}

/**
 * Makes a facilitator; it reads the chain only when asked something, or to follow what it sent. Throws a `FacilitatorError` for
 * a network with real money that nobody has allowed.
 */
export function createFacilitator({
  rpcUrl,
  account,
  asset = BASE_SEPOLIA_USDC,
  allowMainnet = false,
  db = openDatabase(":memory:"),
  log: listener = () => undefined,
  now = Date.now,
  confirmationTimeoutMs = 20_000,
  syncTimeoutMs = 2_000,
  replaceAfterMs = 15_000,
  maxBatch = 100,
  priorityFeePerGas = 1_000_000n,
  maxFeePerGas = 100_000_000_000n,
}: FacilitatorOptions): Facilitator {
  requireAllowed(asset, allowMainnet);
  const client = createPublicClient({ transport: http(rpcUrl, { batch: true, retryCount: 1 }) });
  const reads = openJsonRpc({ rpcUrl, timeoutMs: 10_000 });
  const metrics = new Metrics();
  const log = (event: FacilitatorEvent) => {
    metrics.count(event);
    listener(event);
  };
  const store = new PendingStore(db);
  const sending = createPublicClient({
    transport: http(rpcUrl, { retryCount: 0, timeout: syncTimeoutMs }),
  });
  const limits = { priorityFeePerGas, maxFeePerGas };
  const { chainId } = asset;
  const readBaseFee = async () =>
    (await reading("the newest block", client.getBlock())).baseFeePerGas ?? 0n;
  const baseFee = new BaseFee({ read: readBaseFee, now });
  const rpc = openJsonRpc({ rpcUrl, timeoutMs: syncTimeoutMs });
  const common = { client: sending, rpc, baseFee, chainId, limits, store, log, now };
  const lanes = [account]
    .flat()
    .map((account) => new Lane({ ...common, account, syncTimeoutMs, replaceAfterMs }));
  const canBatch = multicallCheck(client);
  const batcher = new Batcher({ lanes, maxBatch, canBatch });
  const states = new PayerStates({ ask: payerReader(reads, asset), now });
  const readState = (payment: Payment) => reading("the payer's state", states.read(payment));
  const settler = new Settler({
    client,
    asset,
    batcher,
    lanes,
    store,
    readState,
    confirmationTimeoutMs,
  });

  let verifying = 0;
  const isAlone = () => verifying === 1;
  /** While the chain is asked about a payment that is alone, the thread has nothing to do but this; the question leaves first. */
  const readAndPrepare = async (payment: Payment) => {
    verifying += 1;
    const asked = readState(payment);
    if (isAlone()) setImmediate(() => isAlone() && settler.prepare(payment));
    try {
      return await asked;
    } finally {
      verifying -= 1;
    }
  };
  const verified = new VerifiedStates({ now });
  const readTerms = (request: PaymentRequest) => {
    const payment = readPayment(request, asset);
    requireTerms(payment);
    return payment;
  };

  // x402 v1 has names for some networks only; on another one nobody could ask in it.
  const isNamed = asset.networkName !== asset.network;
  const supported = (): SupportedAnswer => ({
    kinds: [
      ...(isNamed
        ? [{ x402Version: 1, scheme: "exact", network: asset.networkName } as const]
        : []),
      { x402Version: 2, scheme: "exact", network: asset.network },
    ],
    extensions: [],
    signers: { "eip155:*": lanes.map(({ address }) => address) },
  });

  return {
    syncs: db,
    async verify(paymentPayload, paymentRequirements, x402Version) {
      try {
        const payment = readTerms({ x402Version, paymentPayload, paymentRequirements });
        const state = await readAndPrepare(payment);
        requireSigned(payment, state);
        requireVerifiable(payment, state);
        verified.keep(payment, state);
        const { from: payer, value } = payment.authorization;
        log({ event: "verified", payer, amount: value.toString() });
        return { isValid: true, payer };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const { reason, payer } = error;
        log({ event: "refused", call: "verify", reason, ...(payer && { payer }) });
        return refusedVerify(reason, payer);
      }
    },
    async settle(paymentPayload, paymentRequirements, x402Version) {
      const request = { x402Version, paymentPayload, paymentRequirements };
      try {
        const payment = readTerms(request);
        const state = verified.take(payment) ?? (await readState(payment));
        requireSigned(payment, state);
        const { from: payer, to: payTo, value } = payment.authorization;
        const settlement = await settler.settle(payment, state);
        const { network } = payment;
        if (!settlement.settled) {
          log({ event: "refused", call: "settle", reason: settlement.reason, payer });
          return refusedSettle({ ...settlement, network, payer });
        }
        const { transaction } = settlement;
        const amount = value.toString();
        log({ event: "settled", payer, payTo, amount, transaction });
        return { success: true, transaction, network, payer, amount };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const { reason, payer } = error;
        log({ event: "refused", call: "settle", reason, ...(payer && { payer }) });
        const network = readNetwork(request) ?? asset.network;
        return refusedSettle({ reason, network, payer });
      }
    },
    supported,
    getSupported: async () => supported(),
    health: () => readHealth({ client, asset, lanes, waiting: batcher.waiting }),
    metrics: () =>
      metrics.format({
        purser_facilitator_running: { help: "Settlements under way.", value: settler.running },
        purser_facilitator_waiting: {
          help: "Payments that wait for an account.",
          value: batcher.waiting,
        },
        purser_facilitator_pending: {
          help: "Transactions that are not known to be over.",
          value: pendingOf(lanes),
        },
      }),
    close: () => lanes.forEach(({ flights }) => flights.close()),
  };
}
