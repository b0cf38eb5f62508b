/** What can go wrong between us and a chain. No RPC address enters a message: hosted ones carry a key in their path. */
import { BaseError, type Hex } from "viem";
import { PurserError } from "../protocol/error.ts";

export type ChainErrorCode =
  /** anvil is not installed, or not for this platform. */
  | "CHAIN_BINARY_MISSING"
  | "CHAIN_START_FAILED"
  /** The RPC server does not answer, or answers nonsense. */
  | "CHAIN_UNREACHABLE"
  /** Another process has this folder's chain open. */
  | "CHAIN_DIR_IN_USE"
  /** The RPC server is of another chain than the asset. */
  | "CHAIN_MISMATCH"
  /** The chain says "used", but this RPC server does not show in which transaction. */
  | "CHAIN_LOGS_UNAVAILABLE";

export class ChainError extends PurserError<ChainErrorCode> {}

/** Awaits a read of the chain, and turns whatever the transport throws into `CHAIN_UNREACHABLE`. */
export async function reading<T>(what: string, read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof ChainError) throw error;
    throw new ChainError("CHAIN_UNREACHABLE", {
      problem: `Could not read ${what} from the chain: ${shortReason(error)}`,
      nextStep: "Check that the RPC server runs and is of this chain, then try again.",
    });
  }
}

/** viem's one-line reason, which has no URL in it. */
function shortReason(error: unknown): string {
  if (error instanceof BaseError) return error.shortMessage.split("\n", 1)[0] ?? "";
  return error instanceof Error ? error.name : "unknown";
}

export function logsUnavailable(nonce: Hex): ChainError {
  return new ChainError("CHAIN_LOGS_UNAVAILABLE", {
    problem: `The authorization with nonce ${nonce} is used or cancelled, but no log shows where.`,
    nextStep:
      "Use an RPC server that keeps logs since the payment was signed; keep the amount reserved.",
  });
}
