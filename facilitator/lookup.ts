/** What the chain says of one transaction. A receipt here is the part of it that is read: viem's and the server's own have it. */
import {
  type Address,
  type Hex,
  type PublicClient,
  TransactionNotFoundError,
  TransactionReceiptNotFoundError,
} from "viem";
import type { EventLog } from "../chain/index.ts";
import { isTransportError } from "./transport-error.ts";

export interface Receipt {
  readonly transactionHash: Hex;
  readonly status: "success" | "reverted";
  readonly to: Address | null;
  readonly logs: readonly EventLog[];
  /** In wei. */
  readonly effectiveGasPrice: bigint;
}

/** A receipt as the server writes it; undefined for anything else, such as the null of a transaction that waits. */
export function parseReceipt(raw: unknown): Receipt | undefined {
  const { transactionHash, status, to, logs, effectiveGasPrice } = (raw ?? {}) as {
    [Key in keyof Receipt]?: unknown;
  };
  if (typeof transactionHash !== "string" || !Array.isArray(logs)) return undefined;
  return {
    transactionHash: transactionHash as Hex,
    status: status === "0x1" ? "success" : "reverted",
    to: typeof to === "string" ? (to as Address) : null,
    logs: logs as EventLog[],
    effectiveGasPrice: typeof effectiveGasPrice === "string" ? BigInt(effectiveGasPrice) : 0n,
  };
}

/** Whether the chain has a transaction, mined or not. */
export async function knows(client: PublicClient, hash: Hex): Promise<boolean> {
  try {
    return Boolean(await client.getTransaction({ hash }));
  } catch (error) {
    if (error instanceof TransactionNotFoundError) return false;
    throw error;
  }
}

/** A transaction's receipt, undefined where it has none or the chain does not answer. */
export async function readReceipt(client: PublicClient, hash: Hex): Promise<Receipt | undefined> {
  try {
    return await client.getTransactionReceipt({ hash });
  } catch (error) {
    if (error instanceof TransactionReceiptNotFoundError || isTransportError(error))
      return undefined;
    throw error;
  }
}
