/** Looking for logs where a public RPC server refuses to look through the whole chain at once. */
import { expect, test } from "vitest";
import { type BlockRange, findNewestLogs } from "../../chain/logs.ts";

/** A chain with logs in these blocks, whose server looks through at most `widest` blocks at once. */
function fakeChain({
  height,
  logsAt,
  widest,
}: {
  height: bigint;
  logsAt: bigint[];
  widest: bigint;
}) {
  const asked: BlockRange[] = [];
  return {
    asked,
    client: { getBlockNumber: async () => height },
    getLogs: async (range: BlockRange) => {
      const last = range.toBlock === "latest" ? height : range.toBlock;
      asked.push(range);
      if (last - range.fromBlock + 1n > widest) throw new Error("block range too wide");
      return logsAt.filter((block) => block >= range.fromBlock && block <= last);
    },
  };
}

test("one call is enough where the server allows it", async () => {
  const chain = fakeChain({ height: 9_000n, logsAt: [5n], widest: 10_000n });
  expect(await findNewestLogs({ ...chain, fromBlock: 0n })).toEqual([5n]);
  expect(chain.asked).toHaveLength(1);
});

test("otherwise windows without a gap, from the newest block down to the first allowed", async () => {
  const chain = fakeChain({ height: 9_000n, logsAt: [3_100n, 3_000n], widest: 2_000n });
  expect(await findNewestLogs({ ...chain, fromBlock: 3_100n })).toEqual([3_100n]);
  expect(chain.asked.slice(1)).toEqual([
    { fromBlock: 7_001n, toBlock: 9_000n },
    { fromBlock: 5_001n, toBlock: 7_000n },
    { fromBlock: 3_100n, toBlock: 5_000n },
  ]);
});

test("it gives up after a bounded number of windows", async () => {
  const chain = fakeChain({ height: 10n ** 9n, logsAt: [1n], widest: 2_000n });
  expect(await findNewestLogs({ ...chain, fromBlock: 0n })).toEqual([]);
  expect(chain.asked.length).toBeLessThan(200);
});

test("a server that refuses every window is an error, not an empty answer", async () => {
  const chain = fakeChain({ height: 9_000n, logsAt: [5n], widest: 10n });
  await expect(findNewestLogs({ ...chain, fromBlock: 0n })).rejects.toMatchObject({
    code: "CHAIN_UNREACHABLE",
  });
});
