/** Our seller: the paywall with its records on disk, and our facilitator in its process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import express from "express";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { createFacilitator, gasAccount } from "../../facilitator/index.ts";
import { paywall } from "../../middleware/index.ts";
import { openDatabase } from "../../store/index.ts";
import { listen } from "../../test/middleware/shop.ts";
import type { TestChain } from "../../test/support/chain.ts";
import type { Seller } from "./seller-child.ts";

export async function openOwnSeller({ rpcUrl, local }: TestChain): Promise<Seller> {
  const folder = mkdtempSync(join(tmpdir(), "purser-bench-"));
  const account = await gasAccount(generatePrivateKey());
  await local.fund(account.address, { ether: 10n ** 20n });
  // One for the seller's books and the facilitator's: what is synced for the one is for the other.
  const db = openDatabase(join(folder, "shop.sqlite"));
  const facilitator = createFacilitator({ rpcUrl, account, db });
  const payTo = privateKeyToAccount(generatePrivateKey()).address;
  const app = express().disable("x-powered-by");
  const middleware = paywall({ price: "0.000001", payTo, db, facilitator });
  app.get("/page/:number", middleware, (_, response) => void response.json({ page: true }));
  const server = await listen(app);
  return {
    url: `${server.url}/page`,
    payTo,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      facilitator.close();
      db.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
