/** The stock packages that sell one page for one payment, each with the facilitator that belongs to it. */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddleware, x402ResourceServer } from "@x402/express";
import express, { type ErrorRequestHandler, type RequestHandler } from "express";
import { createWalletClient, http, type LocalAccount, nonceManager, publicActions } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { baseSepolia } from "viem/chains";
import { paymentMiddleware as paymentMiddlewareV1 } from "x402-express";
import { referenceFacilitator } from "../../test/facilitator/reference-facilitator.ts";
import { listen } from "../../test/middleware/shop.ts";
import { stockMppx } from "../../test/middleware/stock-mppx.ts";
import type { TestChain } from "../../test/support/chain.ts";
import type { OpenSeller, Seller } from "./seller-child.ts";

export const STOCK_SELLERS: Readonly<Record<string, OpenSeller>> = {
  "x402-express": openSellerV1,
  "@x402/express": openSellerV2,
  mppx: openSellerMppx,
};

/** Atomic units; so small that no limit of a wallet ends the bench. */
const PRICE = 1n;

async function openSellerV2(chain: TestChain): Promise<Seller> {
  const { gas, payTo } = await openParties(chain);
  const { facilitator } = referenceFacilitator(chain.rpcUrl, gas);
  const server = new x402ResourceServer({
    verify: (payload, requirements) => facilitator.verify(payload, requirements),
    settle: (payload, requirements) => facilitator.settle(payload, requirements),
    getSupported: async () => facilitator.getSupported() as never,
  }).register("eip155:*", new ExactEvmScheme());
  const { asset } = chain;
  const price = { amount: PRICE.toString(), asset: asset.address, extra: { ...asset.eip712 } };
  const accepts = { scheme: "exact", network: "eip155:84532", payTo, price } as const;
  return sell(paymentMiddleware({ "GET /page": { accepts } }, server), payTo);
}

async function openSellerV1(chain: TestChain): Promise<Seller> {
  const { gas, payTo } = await openParties(chain);
  const facilitator = await openFacilitatorV1(chain.rpcUrl, gas);
  const { address, decimals, eip712 } = chain.asset;
  const price = { amount: PRICE.toString(), asset: { address, decimals, eip712 } };
  const routes = { "GET /page": { price, network: "base-sepolia" } } as const;
  const url = facilitator.url as `http://${string}`;
  const seller = await sell(paymentMiddlewareV1(payTo, routes, { url }), payTo);
  return {
    ...seller,
    async [Symbol.asyncDispose]() {
      await facilitator[Symbol.asyncDispose]();
      await seller[Symbol.asyncDispose]();
    },
  };
}

/** mppx settles an EIP-3009 authorization through an x402 facilitator. */
async function openSellerMppx(chain: TestChain): Promise<Seller> {
  const { gas, payTo } = await openParties(chain);
  const { facilitator } = referenceFacilitator(chain.rpcUrl, gas);
  const mppx = stockMppx(payTo, {
    verify: (payload: never, requirements: never) => facilitator.verify(payload, requirements),
    settle: (payload: never, requirements: never) => facilitator.settle(payload, requirements),
  } as never);
  return sell(mppx.charge({ amount: "0.000001" }) as RequestHandler, payTo);
}

async function openParties({ local }: TestChain) {
  const gas = privateKeyToAccount(generatePrivateKey(), { nonceManager });
  await local.fund(gas.address, { ether: 10n ** 20n });
  return { gas, payTo: privateKeyToAccount(generatePrivateKey()).address };
}

async function sell(paywall: RequestHandler, payTo: `0x${string}`): Promise<Seller> {
  const app = express().use(paywall);
  app.get("/page", (_, response) => void response.json({ page: true }));
  const server = await listen(app);
  return { ...server, url: `${server.url}/page`, payTo };
}

/** The functions of `x402/facilitator` over HTTP; `x402` is a dependency of x402-express, so it is found from there. */
async function openFacilitatorV1(rpcUrl: string, account: LocalAccount) {
  const sibling = createRequire(createRequire(import.meta.url).resolve("x402-express"));
  const module = pathToFileURL(sibling.resolve("x402/facilitator")).href;
  type Call = (signer: unknown, payload: unknown, requirements: unknown) => Promise<unknown>;
  const { verify, settle } = (await import(module)) as { verify: Call; settle: Call };
  const options = { account, chain: baseSepolia, transport: http(rpcUrl), pollingInterval: 10 };
  const signer = createWalletClient(options).extend(publicActions);
  const app = express().use(express.json());
  for (const [path, call] of Object.entries({ "/verify": verify, "/settle": settle })) {
    app.post(path, async (request, response) => {
      const { paymentPayload, paymentRequirements } = request.body as Record<string, unknown>;
      response.json(await call(signer, paymentPayload, paymentRequirements));
    });
  }
  // Without this Express prints what the stock facilitator throws.
  app.use(((error: Error, _request, response, _next) => {
    response.status(500).json({ error: error.message.slice(0, 100) });
  }) satisfies ErrorRequestHandler);
  return listen(app);
}
