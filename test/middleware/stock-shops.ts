/** The field's own servers, unmodified, as sellers: each sells `POST /shop/items` for 0.01. */
import express from "express";
import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddlewareFromConfig } from "@x402/express";
import { paymentMiddleware } from "x402-express";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { listen } from "./shop.ts";

/** Unmodified `x402-express`. */
export async function stockShopV1(facilitatorUrl: string, ...before: express.RequestHandler[]) {
  const payTo = `0x${"c1".repeat(20)}` as const;
  const { address, decimals, eip712 } = BASE_SEPOLIA_USDC;
  const price = { amount: "10000", asset: { address, decimals, eip712 } };
  const app = express();
  app.use(...before, express.json());
  app.use(
    paymentMiddleware(
      payTo,
      { "POST /shop/items": { price, network: "base-sepolia" } },
      { url: facilitatorUrl as `http://${string}` },
    ),
  );
  app.post("/shop/items", (request, response) => void response.json({ sold: request.body }));
  return Object.assign(await listen(app), { payTo });
}

/** Unmodified `@x402/express`. */
export async function stockShopV2(facilitatorUrl: string) {
  const payTo = `0x${"c2".repeat(20)}` as const;
  const { address, network, eip712 } = BASE_SEPOLIA_USDC;
  const price = { amount: "10000", asset: address, extra: { ...eip712 } };
  const accepts = { scheme: "exact", network: network as `eip155:1`, payTo, price };
  const app = express();
  app.use(express.json());
  app.use(
    paymentMiddlewareFromConfig(
      { "POST /shop/items": { accepts } },
      new HTTPFacilitatorClient({ url: facilitatorUrl }),
      [{ network: network as `eip155:1`, server: new ExactEvmScheme() }],
    ),
  );
  app.post("/shop/items", (request, response) => void response.json({ sold: request.body }));
  return Object.assign(await listen(app), { payTo });
}
