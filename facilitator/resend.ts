/**
 * A transaction that was sent, sent again: as it was, where the chain may have forgotten it; or with the same nonce and a higher fee,
 * where it waits too long, so that at most one of all its forms can ever be mined.
 */
import {
  type Address,
  type Hex,
  type LocalAccount,
  parseTransaction,
  type PublicClient,
} from "viem";
import { type FeeLimits, type Fees, replacementFees } from "./fees.ts";
import { knows } from "./lookup.ts";
import type { PendingStore } from "./pending-store.ts";
import type { SignedTransaction } from "./raw-transaction.ts";
import { isTransportError } from "./transport-error.ts";

/** One nonce, in all the forms in which it was sent. */
export interface Flight {
  readonly nonce: number;
  /** Newest first. */
  readonly attempts: { hash: Hex; serialized: Hex }[];
  /** Milliseconds since 1970, of the newest attempt. */
  at: number;
  /** False where the chain may never have heard of it. */
  isKnown: boolean;
}

/** Sends its newest form; "refused" where the chain neither takes it nor has it, so that it can never be mined. */
export async function sendAgain(
  { attempts: [newest], isKnown }: Flight,
  client: PublicClient,
): Promise<"known" | "unknown" | "refused"> {
  if (!newest) return "unknown";
  try {
    await client.sendRawTransaction({ serializedTransaction: newest.serialized });
  } catch (error) {
    if (isTransportError(error)) return "unknown";
    if (!isKnown && !(await knows(client, newest.hash))) return "refused";
  }
  return "known";
}

export interface ReplaceOptions {
  client: PublicClient;
  account: LocalAccount;
  store: PendingStore;
  limits: FeeLimits;
  /** Milliseconds since 1970. */
  now: () => number;
  sign: (
    call: { to: Address; data: Hex; gas: bigint },
    nonce: number,
    fees: Fees,
  ) => Promise<SignedTransaction>;
}

/** Makes a new form of it, the same call at a higher fee, and records it; undefined where the ceiling forbids one. */
export async function replace(flight: Flight, options: ReplaceOptions) {
  const { client, account, store, limits, now, sign } = options;
  const { nonce, attempts } = flight;
  const [newest] = attempts;
  if (!newest) return undefined;
  const { to, data, gas, ...paid } = parseTransaction(newest.serialized);
  const { maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = paid;
  const { baseFeePerGas } = await client.getBlock();
  const before = { maxFeePerGas, maxPriorityFeePerGas };
  const fees = replacementFees(before, baseFeePerGas ?? 0n, limits);
  if (!fees || !to || !data || gas === undefined) return undefined;
  const { serialized, hash } = await sign({ to, data, gas }, nonce, fees);
  await store.record({ account: account.address, nonce, hash, serialized, at: now(), keys: [] });
  attempts.unshift({ hash, serialized });
  const fee = fees.maxFeePerGas.toString();
  return { account: account.address, nonce, transaction: hash, maxFeePerGas: fee };
}
