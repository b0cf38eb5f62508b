/**
 * What no seller that keeps its word can do without, and nothing else: two HTTP answers from an Express server, one disk sync for each of
 * its two books, one transaction for all payments that wait, and its block. Nothing is checked and nothing is read; it is no seller, only the
 * measure of how far above it ours is (`floor-buyer.ts` is its buyer).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import express from "express";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { openJsonRpc } from "../../chain/index.ts";
import { gasAccount } from "../../facilitator/gas-account.ts";
import { encodeBatch } from "../../facilitator/multicall.ts";
import { signTransaction } from "../../facilitator/raw-transaction.ts";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { listen } from "../../test/middleware/shop.ts";
import type { TestChain } from "../../test/support/chain.ts";
import { type FloorBook, openFloorBook } from "./floor-book.ts";
import type { Seller } from "./seller-child.ts";

/** As long as our own challenge. */
const CHALLENGE = "x".repeat(1_500);
const FEES = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1_000_000n };

type Call = ReturnType<typeof encodeBatch>;

export async function openFloorSeller(chain: TestChain): Promise<Seller> {
  const folder = mkdtempSync(join(tmpdir(), "purser-bench-"));
  const [sellerBook, facilitatorBook] = ["seller", "facilitator"].map((name) =>
    openFloorBook(join(folder, name)),
  ) as [FloorBook, FloorBook];
  const settle = await openSettling(chain, facilitatorBook);
  const app = express().disable("x-powered-by");
  app.get("/page/:number", async (request, response) => {
    const payment = request.header("x-payment");
    if (payment === undefined) {
      response.status(402).setHeader("payment-required", CHALLENGE).send(CHALLENGE);
      return;
    }
    await sellerBook.write(payment);
    await settle({ to: chain.asset.address, data: payment as Call["data"] });
    response.json({ page: true });
  });
  const server = await listen(app);
  return {
    url: `${server.url}/page`,
    payTo: privateKeyToAccount(generatePrivateKey()).address,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      for (const book of [sellerBook, facilitatorBook]) book.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Sends what waits in one transaction as soon as the one before it has its block. */
async function openSettling({ local, rpcUrl }: TestChain, book: FloorBook) {
  const key = generatePrivateKey();
  const account = await gasAccount(key);
  await local.fund(account.address, { ether: 10n ** 20n });
  const rpc = openJsonRpc({ rpcUrl, timeoutMs: 10_000 });
  const { chainId } = BASE_SEPOLIA_USDC;
  let waiting: { call: Call; done: PromiseWithResolvers<void> }[] = [];
  let [nonce, isBusy] = [0, false];
  const pump = async () => {
    if (isBusy || waiting.length === 0) return;
    isBusy = true;
    const jobs = waiting;
    waiting = [];
    const [first] = jobs;
    const call = jobs.length === 1 ? first!.call : encodeBatch(jobs.map((job) => job.call));
    const gas = 200_000n + 130_000n * BigInt(jobs.length);
    const fields = { chainId, nonce: nonce++, ...call, gas, fees: FEES };
    const { serialized } = await signTransaction(account, fields);
    await book.write(serialized);
    const receipt = (await rpc.request("eth_sendRawTransactionSync", [serialized])) as {
      status: string;
    };
    for (const { done } of jobs) {
      if (receipt.status === "0x1") done.resolve();
      else done.reject(new Error("the floor's transaction failed"));
    }
    isBusy = false;
    void pump();
  };
  return (call: Call): Promise<void> => {
    const done = Promise.withResolvers<void>();
    waiting.push({ call, done });
    void pump();
    return done.promise;
  };
}
