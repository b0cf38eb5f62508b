/** A shop with nothing but a stock paywall: `GET /a` and `GET /b` at one price; `handled` counts how often the work was done. */
import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddleware, x402ResourceServer } from "@x402/express";
import express, { type ErrorRequestHandler } from "express";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { paymentMiddleware as paymentMiddlewareV1 } from "x402-express";
import { BASE_SEPOLIA_USDC as asset } from "../../protocol/index.ts";
import { type Listening, listen } from "./shop.ts";

export interface StockShop extends Listening {
  handled: number;
}

export interface StockShopOptions {
  facilitatorUrl: string;
  version: 1 | 2;
  description?: string;
  facilitatorTimeoutMs?: number;
  /** Version 2: settles before the work. */
  upfront?: boolean;
  /** What the work waits for. */
  work?: () => Promise<void>;
  /** Default: an address that nobody else sells for. */
  payTo?: `0x${string}`;
}

const AMOUNT = "10000";

export async function openStockShop(options: StockShopOptions): Promise<StockShop> {
  const state = { handled: 0 };
  const app = express();
  app.use(options.version === 1 ? paywallV1(options) : await paywallV2(options));
  for (const path of ["/a", "/b"]) {
    app.get(path, async (_, response) => {
      state.handled += 1;
      await options.work?.();
      response.json({ path });
    });
  }
  app.use(((error: Error, _request, response, _next) => {
    response.status(500).json({ error: error.message });
  }) satisfies ErrorRequestHandler);
  return Object.assign(state, await listen(app));
}

const newPayee = () => privateKeyToAccount(generatePrivateKey()).address;

function paywallV1({ facilitatorUrl, description = "", payTo = newPayee() }: StockShopOptions) {
  const { address, decimals, eip712 } = asset;
  const price = { amount: AMOUNT, asset: { address, decimals, eip712 } };
  const route = { price, network: "base-sepolia", config: { description } } as const;
  const facilitator = { url: facilitatorUrl as `http://${string}` };
  return paymentMiddlewareV1(payTo, { "GET /a": route, "GET /b": route }, facilitator);
}

async function paywallV2({
  facilitatorUrl: url,
  description = "",
  facilitatorTimeoutMs: timeoutMs = 90_000,
  upfront = false,
  payTo = newPayee(),
}: StockShopOptions) {
  const client = new HTTPFacilitatorClient({ url, timeoutMs });
  const server = new x402ResourceServer(client).register("eip155:*", new ExactEvmScheme());
  await server.initialize();
  const extra = { ...asset.eip712, ...(upfront && { paymentFlow: "upfront" }) };
  const price = { amount: AMOUNT, asset: asset.address, extra };
  const common = { scheme: "exact", network: "eip155:84532", price } as const;
  const route = { accepts: { ...common, payTo }, description };
  const routes = { "GET /a": route, "GET /b": route };
  return paymentMiddleware(routes, server, undefined, undefined, false);
}
