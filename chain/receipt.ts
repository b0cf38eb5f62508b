/** A transaction's receipt, as far as a proof is read from it: a stranger's JSON, so what is not one proves nothing. */
import { type Hex, isHash, type PublicClient, TransactionReceiptNotFoundError } from "viem";
import { ChainError, reading } from "./error.ts";
import type { JsonRpc } from "./json-rpc.ts";

/** The part of a log that counts: viem's has it, and so has the server's own JSON. */
export interface EventLog {
  readonly address: string;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

interface ProofReceipt {
  readonly transactionHash: Hex;
  readonly blockNumber: bigint;
  readonly logs: readonly EventLog[];
}

/** Undefined where the chain has none; throws `CHAIN_UNREACHABLE`. */
export type ReadReceipt = (transaction: Hex) => Promise<ProofReceipt | undefined>;

/** Asks over a connection that stays open, and reads no more of the answer than is needed: a quarter of the time that viem takes. */
export function receiptReader(rpc: JsonRpc): ReadReceipt {
  return async (transaction) => {
    const raw = await reading(
      "a transaction",
      rpc.request("eth_getTransactionReceipt", [transaction]),
    );
    if (raw === null) return undefined;
    const receipt = parse(raw);
    if (receipt?.transactionHash.toLowerCase() === transaction.toLowerCase()) return receipt;
    throw new ChainError("CHAIN_UNREACHABLE", {
      problem: "The RPC server answered with something else than the transaction's receipt.",
      nextStep: "Use another RPC server; nothing is taken as settled meanwhile.",
    });
  };
}

/** Through a client that somebody else has made. */
export function clientReceipts(client: PublicClient): ReadReceipt {
  return (hash) =>
    client.getTransactionReceipt({ hash }).catch((error: unknown) => {
      if (error instanceof TransactionReceiptNotFoundError) return undefined;
      return reading("a transaction", Promise.reject(error));
    });
}

function parse(raw: unknown): ProofReceipt | undefined {
  const { transactionHash, blockNumber, logs } = (raw ?? {}) as Record<string, unknown>;
  if (typeof transactionHash !== "string" || !isHash(transactionHash)) return undefined;
  if (typeof blockNumber !== "string" || !/^0x[0-9a-fA-F]{1,16}$/.test(blockNumber))
    return undefined;
  if (!Array.isArray(logs) || !logs.every(isLog)) return undefined;
  return { transactionHash, blockNumber: BigInt(blockNumber), logs };
}

function isLog(log: unknown): log is EventLog {
  const { address, topics, data } = (log ?? {}) as Record<string, unknown>;
  const isText = (value: unknown) => typeof value === "string";
  return isText(address) && isText(data) && Array.isArray(topics) && topics.every(isText);
}
