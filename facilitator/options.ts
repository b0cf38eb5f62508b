/** What a facilitator is told: its chain, its accounts and its limits. Only the first two have to be. */
import type { LocalAccount } from "viem";
import type { Asset } from "../protocol/asset.ts";
import type { Database } from "../store/index.ts";
import type { FacilitatorLog } from "./log.ts";

export interface FacilitatorOptions {
  rpcUrl: string;
  /** Pays the gas; several send in parallel. Nothing else may send from them at the same time. */
  account: LocalAccount | readonly LocalAccount[];
  asset?: Asset | undefined;
  /** Where real money moves, one has to say so. */
  allowMainnet?: boolean | undefined;
  /** Keeps what was sent, so that a restart finds it. Default: memory. */
  db?: Database | undefined;
  /** Told of everything that happens, never a payload. Default: nobody. */
  log?: FacilitatorLog | undefined;
  /** Milliseconds since 1970. */
  now?: () => number;
  /** How long `settle` waits for a block before it answers "pending". */
  confirmationTimeoutMs?: number | undefined;
  /** How long one transaction may hold up the next while it waits for its block. */
  syncTimeoutMs?: number | undefined;
  /** How long a transaction may wait before it is sent again, with the same nonce and a higher fee. */
  replaceAfterMs?: number | undefined;
  /** Payments in one transaction at most; 1 for none but their own. */
  maxBatch?: number | undefined;
  /** In wei. */
  priorityFeePerGas?: bigint | undefined;
  /** In wei: no transaction offers more. */
  maxFeePerGas?: bigint | undefined;
}
