/** Our whole stack: the drop-in fetch with its ledger on disk, the paywall with its records on disk, our facilitator in its process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import express from "express";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { createFacilitator, gasAccount } from "../../facilitator/index.ts";
import { paywall, type SignerProcess, startSignerProcess } from "../../middleware/index.ts";
import { openDatabase } from "../../store/index.ts";
import { listen } from "../../test/middleware/shop.ts";
import { openTestChain } from "../../test/support/chain.ts";
import { openOwnClient } from "./own-client.ts";
import { FUNDS, type Stack } from "./stacks.ts";

/** One for all stacks of this process, as a wallet has one for all that it pays: it ends with the process. */
let running: Promise<SignerProcess> | undefined;

function startSigner(): Promise<SignerProcess> {
  const folder = mkdtempSync(join(tmpdir(), "purser-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return startSignerProcess({ keyFile: join(folder, "key") });
}

export async function openOwnStack(): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), "purser-bench-"));
  const chain = await openTestChain();
  const account = await gasAccount(generatePrivateKey());
  await chain.local.fund(account.address, { ether: 10n ** 20n });
  // One for the seller's books and the facilitator's: what is synced for the one is for the other.
  const db = openDatabase(join(folder, "shop.sqlite"));
  const { rpcUrl } = chain;
  const facilitator = createFacilitator({ rpcUrl, account, db });
  const payTo = privateKeyToAccount(generatePrivateKey()).address;
  const app = express().disable("x-powered-by");
  const middleware = paywall({ price: "0.000001", payTo, db, facilitator });
  app.get("/page/:number", middleware, (_, response) => void response.json({ page: true }));
  const server = await listen(app);
  const signer = await (running ??= startSigner());
  await chain.local.fund(signer.address, { usdc: FUNDS });
  const client = { folder, signer, chain: chain.chain, url: server.url, payTo };
  const purser = openOwnClient(client);
  let pages = 0;
  return {
    async buy() {
      const response = await purser(`${server.url}/page/${(pages += 1)}`);
      if (response.status !== 200) throw new Error(`our stack: ${response.status}`);
      await response.text();
    },
    rest: () => purser.idle(),
    async [Symbol.asyncDispose]() {
      await purser.close();
      await server[Symbol.asyncDispose]();
      facilitator.close();
      db.close();
      await chain[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
