/** A shop that takes the money first, and whose work then fails for as long as it is told to; for tests. */
import express from "express";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { paywall, type PaywallHandler, type PaywallOptions } from "../../../middleware/index.ts";
import { type Database, openDatabase } from "../../../store/index.ts";
import { type Listening, listen } from "../shop.ts";

export interface FailingShop extends Listening {
  readonly db: Database;
  readonly payTo: `0x${string}`;
  readonly paywall: PaywallHandler;
  /** What the work answers. */
  status: number;
  /** How often the work ran. */
  worked: number;
}

export interface FailingShopOptions extends Partial<PaywallOptions> {
  facilitator: PaywallOptions["facilitator"];
}

/** Sells `POST /shop/items`, settle-first, for 0.01. */
export async function openFailingShop({
  db = openDatabase(":memory:"),
  payTo = privateKeyToAccount(generatePrivateKey()).address,
  ...options
}: FailingShopOptions): Promise<FailingShop> {
  const state = { status: 500, worked: 0 };
  const paid = paywall({ price: "0.01", flow: "settle-first", db, payTo, ...options });
  const app = express();
  app.post("/shop/items", express.json(), paid, (_, response) => {
    state.worked += 1;
    const { status } = state;
    response.status(status).json({ error: status < 400 ? undefined : "sold out" });
  });
  const server = await listen(app);
  return Object.assign(state, {
    url: server.url,
    db,
    payTo,
    paywall: paid,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      db.close();
    },
  });
}
