/**
 * A facilitator verifies x402 payments and settles them on one chain, in one asset, from an account that pays the gas and never
 * holds a payment. It speaks x402 v1 and v2. Every answer is one of the specification's; it throws only `ChainError`s, when the
 * chain cannot be read, which say nothing about the payment.
 */
import { createPublicClient, http, type LocalAccount } from "viem";
import { reading } from "../chain/index.ts";
import { type Asset, BASE_SEPOLIA_USDC } from "../protocol/asset.ts";
import { TERMS, VERIFIABLE } from "./checks.ts";
import { readPayerState } from "./payer-state.ts";
import { type Payment, readNetwork, readPayment } from "./payment.ts";
import { Refusal, REFUSALS, type RefusalReason } from "./refusal.ts";
import { Sender } from "./sender.ts";
import { type FailedSettlement, Settler } from "./settlement.ts";
import { checkSignature } from "./signature.ts";

/** The answer of `/verify`, for both versions. */
export interface VerifyAnswer {
  isValid: boolean;
  payer?: string;
  invalidReason?: RefusalReason;
  invalidMessage?: string;
}

/** The answer of `/settle`, for both versions. */
export interface SettleAnswer {
  success: boolean;
  /** Empty when none was sent. */
  transaction: string;
  network: string;
  payer?: string;
  /** Atomic units. */
  amount?: string;
  errorReason?: RefusalReason;
  errorMessage?: string;
}

/** The answer of `/supported`. */
export interface SupportedAnswer {
  kinds: { x402Version: 1 | 2; scheme: "exact"; network: string }[];
  extensions: string[];
  signers: Record<string, string[]>;
}

export interface Facilitator {
  /** Whether this request's payment could be settled. Moves nothing. */
  verify(body: unknown): Promise<VerifyAnswer>;
  /** Settles this request's payment, or says what became of it; the same payment always gets the same answer. */
  settle(body: unknown): Promise<SettleAnswer>;
  supported(): SupportedAnswer;
}

export interface FacilitatorOptions {
  rpcUrl: string;
  /** Pays the gas. Nothing else may send from it at the same time. */
  account: LocalAccount;
  asset?: Asset | undefined;
  /** Milliseconds since 1970. */
  now?: () => number;
  /** How long `settle` waits for a block before it answers "pending". */
  confirmationTimeoutMs?: number | undefined;
  /** How long one transaction may hold up the next while it waits for its block. */
  syncTimeoutMs?: number | undefined;
  /** In wei. */
  priorityFeePerGas?: bigint | undefined;
}

/** Makes a facilitator; it reads the chain only when asked something. */
export function createFacilitator({
  rpcUrl,
  account,
  asset = BASE_SEPOLIA_USDC,
  now = Date.now,
  confirmationTimeoutMs = 20_000,
  syncTimeoutMs = 2_000,
  priorityFeePerGas = 1_000_000n,
}: FacilitatorOptions): Facilitator {
  const client = createPublicClient({ transport: http(rpcUrl, { batch: true, retryCount: 1 }) });
  const sender = new Sender({
    client: createPublicClient({
      transport: http(rpcUrl, { retryCount: 0, timeout: syncTimeoutMs }),
    }),
    account,
    chainId: asset.chainId,
    priorityFeePerGas,
  });
  const readState = (payment: Payment) => readPayerState({ client, asset, payment, now });
  const settler = new Settler({ client, asset, sender, readState, confirmationTimeoutMs });

  /** Reads a payment and checks what no later block can change; throws the `Refusal`. */
  const read = async (body: unknown) => {
    const payment = readPayment(body, asset);
    requireAll(TERMS, payment, undefined);
    const state = await readState(payment);
    const { isContract } = state;
    const check = checkSignature({ client, asset, isContract, ...payment });
    const reason = await reading("the payer's signature", check);
    if (reason) throw new Refusal(reason, payment.authorization.from);
    return { payment, state };
  };

  return {
    async verify(body) {
      try {
        const { payment, state } = await read(body);
        requireAll(VERIFIABLE, payment, state);
        return { isValid: true, payer: payment.authorization.from };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const { reason, payer } = error;
        const answer = { isValid: false, invalidReason: reason, invalidMessage: REFUSALS[reason] };
        return payer === undefined ? answer : { ...answer, payer };
      }
    },
    async settle(body) {
      try {
        const { payment, state } = await read(body);
        const { from: payer, value } = payment.authorization;
        const settlement = await settler.settle(payment, state);
        const common = { network: payment.network, payer };
        if (!settlement.settled) return { ...refused(settlement), ...common };
        const { transaction } = settlement;
        return { success: true, transaction, ...common, amount: value.toString() };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const { reason, payer } = error;
        const answer = { ...refused({ reason }), network: readNetwork(body) ?? asset.network };
        return payer === undefined ? answer : { ...answer, payer };
      }
    },
    supported: () => ({
      kinds: [
        { x402Version: 1, scheme: "exact", network: asset.networkName },
        { x402Version: 2, scheme: "exact", network: asset.network },
      ],
      extensions: [],
      signers: { "eip155:*": [account.address] },
    }),
  };
}

function requireAll<State>(
  checks: readonly ((payment: Payment, state: State) => RefusalReason | undefined)[],
  payment: Payment,
  state: State,
): void {
  for (const check of checks) {
    const reason = check(payment, state);
    if (reason) throw new Refusal(reason, payment.authorization.from);
  }
}

function refused({ reason, detail, transaction }: Omit<FailedSettlement, "settled">) {
  const text = REFUSALS[reason];
  const errorMessage = detail === undefined ? text : `${text} (${detail})`;
  return { success: false, errorReason: reason, errorMessage, transaction: transaction ?? "" };
}
