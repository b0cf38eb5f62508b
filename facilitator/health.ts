/** Whether a facilitator can settle now: its chain answers and is the right one, and its accounts can pay for gas. */
import type { PublicClient } from "viem";
import type { Asset } from "../protocol/asset.ts";
import type { Lane } from "./lane.ts";

/** The answer of `/health`: "down" when the chain cannot be read or is another one, "degraded" when a signer has no gas. */
export interface HealthAnswer {
  status: "ok" | "degraded" | "down";
  network: string;
  /** The newest block's number. */
  block?: string;
  /** The accounts that pay the gas; `balance` in wei. */
  signers: { address: string; balance?: string }[];
  /** Transactions that are not known to be over, and payments that wait for an account. */
  pending: number;
  waiting: number;
}

/** Less gas than this, in wei, lasts for no more than a few transactions. */
const LOW_GAS = 10n ** 13n;

export interface ReadHealthOptions {
  client: PublicClient;
  asset: Asset;
  lanes: readonly Lane[];
  waiting: number;
}

/** Never rejects: what cannot be read is "down". */
export async function readHealth({
  client,
  asset,
  lanes,
  waiting,
}: ReadHealthOptions): Promise<HealthAnswer> {
  const { network } = asset;
  const pending = pendingOf(lanes);
  try {
    const [chainId, block, ...balances] = await Promise.all([
      client.getChainId(),
      client.getBlockNumber({ cacheTime: 0 }),
      ...lanes.map(({ address }) => client.getBalance({ address })),
    ]);
    const signers = lanes.map(({ address }, at) => ({
      address,
      balance: (balances[at] ?? 0n).toString(),
    }));
    const hasGas = balances.every((balance) => balance >= LOW_GAS);
    const status = chainId !== asset.chainId ? "down" : hasGas ? "ok" : "degraded";
    return { status, network, block: block.toString(), signers, pending, waiting };
  } catch {
    const signers = lanes.map(({ address }) => ({ address }));
    return { status: "down", network, signers, pending, waiting };
  }
}

/** Transactions of all accounts that are not known to be over. */
export function pendingOf(lanes: readonly Lane[]): number {
  return lanes.reduce((sum, { flights }) => sum + flights.size, 0);
}
