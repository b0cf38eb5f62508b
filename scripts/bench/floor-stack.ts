/**
 * What no stack that keeps its word can do without, and nothing else: two HTTP exchanges with an Express server, one signature, one disk
 * sync for each of the three books, one transaction for all payments that wait, and its block. Nothing is checked, nothing is read, nobody
 * has a process of its own; it is no seller, only the measure of how far above it ours is.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import express from "express";
import { toHex } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { openJsonRpc } from "../../chain/index.ts";
import { gasAccount } from "../../facilitator/gas-account.ts";
import { encodeBatch } from "../../facilitator/multicall.ts";
import { signTransaction } from "../../facilitator/raw-transaction.ts";
import { encodeTransfer } from "../../facilitator/transfer-call.ts";
import { keySigning } from "../../middleware/signer/key-signer.ts";
import { type Authorization, BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { CommitQueue } from "../../store/commit-queue.ts";
import { openDatabase } from "../../store/index.ts";
import { listen } from "../../test/middleware/shop.ts";
import { openTestChain } from "../../test/support/chain.ts";
import { FUNDS, type Stack } from "./stacks.ts";

/** As long as our own challenge. */
const CHALLENGE = "x".repeat(1_500);
const FEES = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1_000_000n };

type Call = ReturnType<typeof encodeBatch>;

export async function openFloorStack(): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), "purser-bench-"));
  const books = ["buyer", "seller", "facilitator"].map((name) => openBook(join(folder, name)));
  const [buyerBook, sellerBook, facilitatorBook] = books as [Book, Book, Book];
  const chain = await openTestChain();
  const { asset } = chain;
  const settle = await openSettling(chain, facilitatorBook);
  const key = generatePrivateKey();
  const { address, signAuthorization } = await keySigning(key, BASE_SEPOLIA_USDC);
  await chain.local.fund(address, { usdc: FUNDS });
  const to = privateKeyToAccount(generatePrivateKey()).address;
  const app = express().disable("x-powered-by");
  app.get("/page/:number", async (request, response) => {
    const payment = request.header("x-payment");
    if (payment === undefined) {
      response.status(402).setHeader("payment-required", CHALLENGE).send(CHALLENGE);
      return;
    }
    await sellerBook.write(payment);
    await settle({ to: asset.address, data: payment as Call["data"] });
    response.json({ page: true });
  });
  const server = await listen(app);
  const agent = new Agent({ keepAlive: true });
  let count = 0;
  return {
    async buy() {
      const number = (count += 1);
      const url = `${server.url}/page/${number}`;
      await get(url, agent, {});
      const authorization: Authorization = {
        from: address,
        to,
        value: 1n,
        validAfter: 0n,
        validBefore: BigInt(Math.floor(Date.now() / 1000) + 60),
        nonce: toHex(number, { size: 32 }),
      };
      const signature = await signAuthorization(authorization);
      const payment = encodeTransfer({ authorization, signature }, false);
      await buyerBook.write(payment);
      const status = await get(url, agent, { "x-payment": payment });
      if (status !== 200) throw new Error(`the floor: ${status}`);
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await server[Symbol.asyncDispose]();
      await chain[Symbol.asyncDispose]();
      for (const book of books) book.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Sends what waits in one transaction as soon as the one before it has its block. */
async function openSettling(
  { local, rpcUrl }: Awaited<ReturnType<typeof openTestChain>>,
  book: Book,
) {
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

type Book = ReturnType<typeof openBook>;

/** One row for each thing that must not be forgotten, on disk when `write` resolves. */
function openBook(path: string) {
  const db = openDatabase(path);
  db.exec("CREATE TABLE line (text TEXT)");
  const queue = new CommitQueue({ db });
  return {
    write: (text: string) => queue.commit(() => db.run("INSERT INTO line (text) VALUES (?)", text)),
    close: () => db.close(),
  };
}

function get(url: string, agent: Agent, headers: Record<string, string>): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const sent = httpRequest(url, { agent, headers }, (response) => {
    response.resume().once("end", () => resolve(response.statusCode ?? 0));
  });
  sent.once("error", reject).end();
  return promise;
}
