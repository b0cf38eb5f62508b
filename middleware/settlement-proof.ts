/**
 * What the chain proves of an authorization that may be out. Only two answers end it: the money moved as signed, or it never
 * can. Everything else, also a chain that does not answer, leaves it open and counted.
 */
import type { Address, Hex } from "viem";
import type { Chain } from "../chain/index.ts";
import { PurserError } from "../protocol/error.ts";
import type { LedgerEntry, ReleaseProof } from "../store/index.ts";

export type EntryProof =
  | { state: "settled"; transaction: Hex }
  | { state: "dead"; reason: Extract<ReleaseProof, "EXPIRED" | "CANCELLED"> }
  | { state: "open" };

export interface ProveEntryOptions {
  chain: Chain;
  payer: Address;
  entry: LedgerEntry;
  /** The transaction that the server names: a hint where to look. */
  claim?: Hex | undefined;
}

export async function proveEntry({
  chain,
  payer,
  entry,
  claim,
}: ProveEntryOptions): Promise<EntryProof> {
  const { payTo: to, amount: value, nonce, validBefore } = entry;
  const authorization = { from: payer, to, value, nonce, validBefore };
  const transaction = claim ?? entry.transaction;
  try {
    const proof = await chain.readAuthorization(authorization, { transaction });
    if (proof.state === "settled") return { state: "settled", transaction: proof.transaction };
    if (proof.state === "expired") return { state: "dead", reason: "EXPIRED" };
    if (proof.state === "cancelled" && proof.finalized)
      return { state: "dead", reason: "CANCELLED" };
  } catch (error) {
    // A chain that cannot be read proves nothing; a bug of ours must be seen.
    if (!(error instanceof PurserError)) throw error;
  }
  return { state: "open" };
}
