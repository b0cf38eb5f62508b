/**
 * How one transaction is handed to the chain, and what became of it when the answer is an error: only the chain can say whether it
 * has it, and silence counts as yes.
 */
import type { Hex, PublicClient } from "viem";
import { ChainError, type JsonRpc, RpcRefusal } from "../chain/index.ts";
import { knows, parseReceipt, type Receipt } from "./lookup.ts";
import { isTransportError } from "./transport-error.ts";

export interface SubmissionOptions {
  /** Neither batches nor retries: a send that is repeated behind our back could not be told from a failed one. */
  client: PublicClient;
  /** Sends; its timeout is how long one send may hold up the line while it waits for its block. */
  rpc: JsonRpc;
  /** How long one transaction may hold up the next while it waits for its block. */
  syncTimeoutMs: number;
}

/** JSON-RPC's and EIP-1474's words for a method that the server does not have. */
const METHOD_MISSING = new Set([-32_601, -32_004]);

export class Submission {
  readonly #options: SubmissionOptions;
  #hasSync = true;

  constructor(options: SubmissionOptions) {
    this.#options = options;
  }

  /** After a synchronous send that gave up, the time is used up; a plain send returns at once. */
  get patienceMs(): number {
    return this.#hasSync ? 0 : this.#options.syncTimeoutMs;
  }

  /** The receipt where the chain waits for the block (EIP-7966), undefined where it only takes the transaction. */
  async submit(serialized: Hex, hash: Hex): Promise<Receipt | undefined> {
    const { rpc } = this.#options;
    if (this.#hasSync) {
      try {
        const receipt = parseReceipt(await rpc.request("eth_sendRawTransactionSync", [serialized]));
        if (receipt && receipt.transactionHash !== hash) throw otherReceipt();
        return receipt;
      } catch (error) {
        if (!(error instanceof RpcRefusal && METHOD_MISSING.has(error.code))) throw error;
        this.#hasSync = false;
      }
    }
    await rpc.request("eth_sendRawTransaction", [serialized]);
    return undefined;
  }

  /** After an error only the chain can say whether it has the transaction; silence counts as yes. */
  async judge(transaction: Hex, cause: unknown): Promise<"known" | "refused" | "unknown"> {
    try {
      if (await knows(this.#options.client, transaction)) return "known";
      return isTransportError(cause) ? "unknown" : "refused";
    } catch {
      return "unknown"; // Not reachable: the transaction may be there.
    }
  }
}

/** Whether ours was taken is as unknown as after silence. */
function otherReceipt(): ChainError {
  return new ChainError("CHAIN_UNREACHABLE", {
    problem: "The RPC server answered a send with another transaction's receipt.",
    nextStep: "Use another RPC server.",
  });
}

/** The node's own words, such as "Insufficient funds for gas", without anything long that it repeats of ours. */
export function detailOf(cause: unknown): string {
  const text = cause instanceof RpcRefusal ? cause.message : "";
  return text
    .split("\n", 1)[0]!
    .replaceAll(/0x[0-9a-f]{65,}/gi, "0x…")
    .slice(0, 150);
}
