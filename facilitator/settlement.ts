/**
 * Settles a payment once, however often and by however many it is asked: the authorization (asset, payer, nonce) is the key, and
 * the chain, not our memory, says whether it was used. So a copy gets the first one's answer, also after a restart, and a seller
 * that crashed between settling and recording may simply ask again. What is not known to have failed is never called failed.
 */
import { encodeFunctionData, type Hex, type PublicClient, type TransactionReceipt } from "viem";
import { readAuthorization, readOutcome, TOKEN_ABI } from "../chain/index.ts";
import type { Asset } from "../protocol/asset.ts";
import { SETTLEABLE } from "./checks.ts";
import type { PayerState } from "./payer-state.ts";
import type { Payment } from "./payment.ts";
import type { RefusalReason } from "./refusal.ts";
import type { Sender, SendOutcome } from "./sender.ts";
import { splitSignature } from "./signature.ts";

export type Settlement = { settled: true; transaction: Hex } | FailedSettlement;

export interface FailedSettlement {
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
  sender: Sender;
  readState: (payment: Payment) => Promise<PayerState>;
  /** How long to wait for a block before the answer is "pending". */
  confirmationTimeoutMs: number;
}

/** Some three times what the token needs; a smart wallet checks its signature in the same transaction. */
const GAS = { key: 200_000n, contract: 800_000n };
/** Transactions remembered as hints where to look first; forgotten ones are searched for on the chain. */
const REMEMBERED = 10_000;

export class Settler {
  readonly #options: SettlerOptions;
  /** Settlements under way, by authorization. */
  readonly #running = new Map<string, { payment: Payment; result: Promise<Settlement> }>();
  readonly #sent = new Map<string, Hex>();

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /**
   * Settles a payment whose terms and signature are good, or joins the settlement of the same authorization that is under way.
   * Rejects only when the chain cannot be read.
   */
  async settle(payment: Payment, state: PayerState): Promise<Settlement> {
    const key = `${payment.authorization.from} ${payment.authorization.nonce.toLowerCase()}`;
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

  async #settle(key: string, payment: Payment, state: PayerState): Promise<Settlement> {
    const { sender } = this.#options;
    if (state.used) return this.#findUse(key, payment);
    const earlier = this.#sent.get(key);
    if (earlier !== undefined && (await sender.knows(earlier))) {
      return this.#conclude(key, payment, { state: "sent", transaction: earlier });
    }
    const reason = firstFailing(payment, state);
    if (reason) return { settled: false, reason };
    const outcome = await sender.send({
      to: this.#options.asset.address,
      data: encodeTransfer(payment, state.isContract),
      gas: state.isContract ? GAS.contract : GAS.key,
      baseFeePerGas: state.baseFeePerGas,
    });
    return this.#conclude(key, payment, outcome);
  }

  /** What became of a transaction: only its receipt and its logs count. */
  async #conclude(key: string, payment: Payment, outcome: SendOutcome): Promise<Settlement> {
    if (outcome.state === "refused") {
      return { settled: false, reason: "unexpected_settle_error", detail: outcome.detail };
    }
    const transaction =
      outcome.state === "mined" ? outcome.receipt.transactionHash : outcome.transaction;
    this.#remember(key, transaction);
    const receipt =
      outcome.state === "mined"
        ? outcome.receipt
        : await this.#options.sender.waitForReceipt(
            transaction,
            this.#options.confirmationTimeoutMs,
          );
    if (!receipt) return { settled: false, reason: "settlement_pending", transaction };
    if (receipt.status === "reverted") return this.#explainRevert(key, payment, receipt);
    if (readOutcome(receipt, this.#options.asset, payment.authorization) !== "settled") {
      return { settled: false, reason: "invalid_exact_evm_transfer_event_mismatch", transaction };
    }
    return { settled: true, transaction };
  }

  /** A revert has a cause on the chain: somebody else settled the payment, or its payer spent the money. */
  async #explainRevert(
    key: string,
    payment: Payment,
    { transactionHash: transaction }: TransactionReceipt,
  ): Promise<Settlement> {
    this.#sent.delete(key);
    const state = await this.#options.readState(payment);
    if (state.used) return this.#findUse(key, payment);
    const reason = firstFailing(payment, state) ?? "invalid_transaction_state";
    return { settled: false, reason, transaction };
  }

  async #findUse(key: string, { authorization }: Payment): Promise<Settlement> {
    const { client, asset } = this.#options;
    const transaction = this.#sent.get(key);
    const proof = await readAuthorization({ client, asset, authorization, transaction });
    if (proof.state !== "settled") {
      return { settled: false, reason: "invalid_exact_evm_nonce_already_used" };
    }
    this.#remember(key, proof.transaction);
    return { settled: true, transaction: proof.transaction };
  }

  #remember(key: string, transaction: Hex): void {
    this.#sent.set(key, transaction);
    const [oldest] = this.#sent.keys();
    if (this.#sent.size > REMEMBERED && oldest !== undefined) this.#sent.delete(oldest);
  }
}

function firstFailing(payment: Payment, state: PayerState): RefusalReason | undefined {
  for (const check of SETTLEABLE) {
    const reason = check(payment, state);
    if (reason) return reason;
  }
  return undefined;
}

function isSameTransfer({ authorization: a }: Payment, { authorization: b }: Payment): boolean {
  return a.to === b.to && a.value === b.value;
}

/** A key's signature goes in parts, which every version of the token takes; a smart wallet's goes as it is. */
function encodeTransfer({ authorization, signature }: Payment, isContract: boolean): Hex {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const common = [from, to, value, validAfter, validBefore, nonce] as const;
  const call = { abi: TOKEN_ABI, functionName: "transferWithAuthorization" } as const;
  const parts = isContract ? undefined : splitSignature(signature);
  return parts
    ? encodeFunctionData({ ...call, args: [...common, parts.v, parts.r, parts.s] })
    : encodeFunctionData({ ...call, args: [...common, signature] });
}
