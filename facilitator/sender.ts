/**
 * Sends transactions from one account, one at a time, with its own nonce counter: a send that fails gives its nonce back before
 * the next one takes it, so that one failure never strands those that follow. (viem's `nonceManager` does strand them.)
 * Waiting for a block happens outside the line.
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  type Address,
  BaseError,
  type Hex,
  keccak256,
  type LocalAccount,
  MethodNotFoundRpcError,
  MethodNotSupportedRpcError,
  type PublicClient,
  TransactionNotFoundError,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
} from "viem";
import { hasCause, isTransportError } from "./transport-error.ts";

export interface Call {
  to: Address;
  data: Hex;
  /** Fixed by the caller: estimating costs a call to the chain, and lies when other payments are under way. */
  gas: bigint;
  /** Of the newest block, in wei. */
  baseFeePerGas: bigint;
}

export type SendOutcome =
  | { state: "mined"; receipt: TransactionReceipt }
  /** The chain has it, or may have it: it can still be mined. */
  | { state: "sent"; transaction: Hex }
  /** The chain did not take it: it can never be mined. */
  | { state: "refused"; detail: string };

export interface SenderOptions {
  /**
   * Neither batches nor retries: a send that is repeated behind our back could not be told from a failed one. Its timeout is
   * how long one send may hold up the line while it waits for its block.
   */
  client: PublicClient;
  account: LocalAccount;
  chainId: number;
  priorityFeePerGas: bigint;
}

/** A nonce that another sender of the same account took is noticed and replaced this many times. */
const ATTEMPTS = 3;
const POLL_MS = 50;

export class Sender {
  readonly #options: SenderOptions;
  /** The nonce to use next; undefined when only the chain knows. */
  #nonce: number | undefined;
  #line: Promise<unknown> = Promise.resolve();
  #hasSync = true;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Signs and sends a call once its turn has come; never rejects once something may have been sent. */
  async send(call: Call): Promise<SendOutcome> {
    const turn = this.#line.then(async () => {
      for (let attempt = 1; ; attempt++) {
        const outcome = await this.#attempt(call);
        if (outcome.state !== "refused" || attempt === ATTEMPTS) return outcome;
      }
    });
    this.#line = turn.catch(() => undefined);
    return turn;
  }

  /** The receipt of a transaction that was sent, or undefined when it is not mined within this time. */
  async waitForReceipt(hash: Hex, timeoutMs: number): Promise<TransactionReceipt | undefined> {
    for (let waited = 0; ; waited += POLL_MS) {
      const receipt = await this.#readReceipt(hash);
      if (receipt || waited >= timeoutMs) return receipt;
      await delay(POLL_MS);
    }
  }

  /** Whether the chain has a transaction, mined or not. */
  async knows(hash: Hex): Promise<boolean> {
    try {
      return Boolean(await this.#options.client.getTransaction({ hash }));
    } catch (error) {
      if (error instanceof TransactionNotFoundError) return false;
      throw error;
    }
  }

  async #readReceipt(hash: Hex): Promise<TransactionReceipt | undefined> {
    try {
      return await this.#options.client.getTransactionReceipt({ hash });
    } catch (error) {
      if (error instanceof TransactionReceiptNotFoundError || isTransportError(error))
        return undefined;
      throw error;
    }
  }

  async #attempt(call: Call): Promise<SendOutcome> {
    const { client, account, chainId, priorityFeePerGas } = this.#options;
    const address = account.address;
    const nonce =
      this.#nonce ?? (await client.getTransactionCount({ address, blockTag: "pending" }));
    const serialized = await account.signTransaction({
      type: "eip1559",
      chainId,
      nonce,
      to: call.to,
      data: call.data,
      gas: call.gas,
      maxPriorityFeePerGas: priorityFeePerGas,
      maxFeePerGas: call.baseFeePerGas * 2n + priorityFeePerGas,
    });
    // From here on nothing is certain until the chain has answered.
    this.#nonce = undefined;
    try {
      const receipt = await this.#submit(serialized);
      this.#nonce = nonce + 1;
      return receipt
        ? { state: "mined", receipt }
        : { state: "sent", transaction: keccak256(serialized) };
    } catch (cause) {
      return this.#judge(keccak256(serialized), cause);
    }
  }

  /** The receipt where the chain waits for the block (EIP-7966), undefined where it only takes the transaction. */
  async #submit(serializedTransaction: Hex): Promise<TransactionReceipt | undefined> {
    const { client } = this.#options;
    if (this.#hasSync) {
      try {
        return await client.sendRawTransactionSync({ serializedTransaction });
      } catch (error) {
        const isMissing = (cause: unknown) =>
          cause instanceof MethodNotFoundRpcError || cause instanceof MethodNotSupportedRpcError;
        if (!hasCause(error, isMissing)) throw error;
        this.#hasSync = false;
      }
    }
    await client.sendRawTransaction({ serializedTransaction });
    return undefined;
  }

  /** After an error only the chain can say whether it has the transaction; silence counts as yes. */
  async #judge(transaction: Hex, cause: unknown): Promise<SendOutcome> {
    try {
      if (!(await this.knows(transaction)) && !isTransportError(cause))
        return { state: "refused", detail: detailOf(cause) };
    } catch {
      // Not reachable: the transaction may be there.
    }
    return { state: "sent", transaction };
  }
}

/** The node's own words, such as "Insufficient funds for gas": never the message, which holds the signed transaction. */
function detailOf(cause: unknown): string {
  return cause instanceof BaseError ? cause.details.split("\n", 1)[0]!.slice(0, 150) : "";
}
