/**
 * What the chain proves of an authorization that may be out. Only two answers end it: the money moved as signed, or it never
 * can. Everything else, also a chain that does not answer, leaves it open and counted.
 */
import type { Address, Hex } from "viem";
import type { Chain } from "../chain/index.ts";
import { PurserError } from "../protocol/error.ts";
import type { Ledger, LedgerEntry, ReleaseProof } from "../store/index.ts";

type EntryProof =
  | { state: "settled"; transaction: Hex }
  | { state: "dead"; reason: Extract<ReleaseProof, "EXPIRED" | "CANCELLED"> }
  | { state: "open" };

interface ProveEntryOptions {
  chain: Chain;
  payer: Address;
  entry: LedgerEntry;
  /** The transaction that the server names: a hint where to look. */
  claim?: Hex | undefined;
}

async function proveEntry({ chain, payer, entry, claim }: ProveEntryOptions): Promise<EntryProof> {
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

export interface SettleEntryOptions extends ProveEntryOptions {
  ledger: Pick<Ledger, "markSettled" | "release" | "markClaimed" | "markUnknown" | "forgetRequest">;
  /** The caller has its answer, so what was kept to fetch it again is dropped, in the same commit. */
  delivered?: boolean;
  /** What the chain does not answer is left as it is. */
  young?: boolean;
}

/** Takes an entry that may be out as far as the chain proves it, and records that; what the server claims is kept as a claim. */
export async function settleEntry({
  ledger,
  delivered = false,
  young = false,
  ...options
}: SettleEntryOptions): Promise<LedgerEntry> {
  const { entry, claim } = options;
  const proof = await proveEntry(options);
  if (proof.state === "dead") return ledger.release(entry.nonce, proof.reason);
  const marked = () => {
    if (proof.state === "settled") return ledger.markSettled(entry.nonce, proof.transaction);
    if (claim !== undefined) return ledger.markClaimed(entry.nonce, claim);
    return entry.state === "sent" && !young ? ledger.markUnknown(entry.nonce) : entry;
  };
  const forgotten = delivered ? ledger.forgetRequest(entry.purchase) : undefined;
  const [ended] = await Promise.all([marked(), forgotten]);
  return ended;
}
