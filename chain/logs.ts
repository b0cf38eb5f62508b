/**
 * Finds a token's logs although public RPC servers refuse to look through a whole chain at once: first all of it, and where
 * that is refused, window by window from the newest block backwards.
 */
import { type Hex, numberToHex, type PublicClient } from "viem";
import { reading } from "./error.ts";

/** The widest range that every public RPC server known to us answers. */
const WINDOW_BLOCKS = 2_000n;
/** Some 230,000 blocks: five days on Base. */
const MAX_WINDOWS = 115;

export interface BlockRange {
  fromBlock: bigint;
  toBlock: bigint | "latest";
}

export interface FindLogsOptions<Log> {
  client: Pick<PublicClient, "getBlockNumber">;
  /** No log is looked for before this block. */
  fromBlock: bigint;
  /** Reads the logs of one range. */
  getLogs: (range: BlockRange) => Promise<Log[]>;
}

/** The first logs that a search from the newest block backwards meets; empty when there are none. */
export async function findNewestLogs<Log>({
  client,
  fromBlock,
  getLogs,
}: FindLogsOptions<Log>): Promise<Log[]> {
  try {
    return await getLogs({ fromBlock, toBlock: "latest" });
  } catch {
    // Refused as too wide, or not reachable at all: the windows below find out which.
  }
  let toBlock = await reading("the newest block", client.getBlockNumber({ cacheTime: 0 }));
  for (let window = 0; window < MAX_WINDOWS && toBlock >= fromBlock; window++) {
    const start = toBlock - WINDOW_BLOCKS + 1n;
    const range = { fromBlock: start > fromBlock ? start : fromBlock, toBlock };
    const logs = await reading("the token's logs", getLogs(range));
    if (logs.length > 0) return logs;
    toBlock = range.fromBlock - 1n;
  }
  return [];
}

/** The range as `eth_getLogs` wants it. */
export function hexRange({ fromBlock, toBlock }: BlockRange): {
  fromBlock: Hex;
  toBlock: Hex | "latest";
} {
  return {
    fromBlock: numberToHex(fromBlock),
    toBlock: toBlock === "latest" ? toBlock : numberToHex(toBlock),
  };
}
