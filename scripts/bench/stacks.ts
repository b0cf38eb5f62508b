/** The stock stacks that sell one thing for one payment, each with its own buyer, seller, facilitator and fresh chain. */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddleware, x402ResourceServer } from "@x402/express";
import express, { type ErrorRequestHandler, type RequestHandler } from "express";
import { evm, Mppx } from "mppx/express";
import { createWalletClient, http, type LocalAccount, nonceManager, publicActions } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { baseSepolia } from "viem/chains";
import { paymentMiddleware as paymentMiddlewareV1 } from "x402-express";
import { referenceFacilitator } from "../../test/facilitator/reference-facilitator.ts";
import { listen } from "../../test/middleware/shop.ts";
import { fetchMppx, fetchV1, fetchV2 } from "../../test/middleware/stock-clients.ts";
import { openTestChain, type TestChain } from "../../test/support/chain.ts";

export interface Stack extends AsyncDisposable {
  /** Buys once, or throws. */
  buy(): Promise<void>;
  /** Waits for what is done in the background. */
  rest?(): Promise<void>;
}

export const STOCK_STACKS: Readonly<Record<string, () => Promise<Stack>>> = {
  "x402-express": openStackV1,
  "@x402/express": openStackV2,
  mppx: openStackMppx,
};

export const FUNDS = 1_000_000_000n;
/** So small that no limit of a wallet ends the bench. */
const PRICE = 1n;

async function openStackV2(): Promise<Stack> {
  const { chain, gas, payer, payTo } = await openParties();
  const { facilitator } = referenceFacilitator(chain.rpcUrl, gas);
  const server = new x402ResourceServer({
    verify: (payload, requirements) => facilitator.verify(payload, requirements),
    settle: (payload, requirements) => facilitator.settle(payload, requirements),
    getSupported: async () => facilitator.getSupported() as never,
  }).register("eip155:*", new ExactEvmScheme());
  const { asset } = chain;
  const price = { amount: PRICE.toString(), asset: asset.address, extra: { ...asset.eip712 } };
  const accepts = { scheme: "exact", network: "eip155:84532", payTo, price } as const;
  const paywall = paymentMiddleware({ "GET /page": { accepts } }, server);
  return openStockStack(chain, paywall, fetchV2(payer));
}

async function openStackV1(): Promise<Stack> {
  const { chain, gas, payer, payTo } = await openParties();
  const facilitator = await openFacilitatorV1(chain.rpcUrl, gas);
  const { asset } = chain;
  const { address, decimals, eip712 } = asset;
  const price = { amount: PRICE.toString(), asset: { address, decimals, eip712 } };
  const routes = { "GET /page": { price, network: "base-sepolia" } } as const;
  const paywall = paymentMiddlewareV1(payTo, routes, {
    url: facilitator.url as `http://${string}`,
  });
  const stack = await openStockStack(chain, paywall, await fetchV1(payer, chain.rpcUrl));
  return {
    buy: () => stack.buy(),
    async [Symbol.asyncDispose]() {
      await facilitator[Symbol.asyncDispose]();
      await stack[Symbol.asyncDispose]();
    },
  };
}

/** mppx settles an EIP-3009 authorization through an x402 facilitator. */
async function openStackMppx(): Promise<Stack> {
  const { chain, gas, payer, payTo } = await openParties();
  const { facilitator } = referenceFacilitator(chain.rpcUrl, gas);
  const { address, chainId, decimals, eip712 } = chain.asset;
  const charge = evm.charge({
    currency: address,
    chainId,
    decimals,
    authorization: { ...eip712 },
    recipient: payTo,
    x402: {
      facilitator: {
        verify: (payload: never, requirements: never) => facilitator.verify(payload, requirements),
        settle: (payload: never, requirements: never) => facilitator.settle(payload, requirements),
      } as never,
    },
  });
  const secretKey = "a secret of at least thirty-two bytes";
  const mppx = Mppx.create({ realm: "127.0.0.1", secretKey, methods: [charge] });
  const paywall = mppx.charge({ amount: "0.000001" }) as RequestHandler;
  return openStockStack(chain, paywall, fetchMppx(payer));
}

async function openParties() {
  const chain = await openTestChain();
  const gas = privateKeyToAccount(generatePrivateKey(), { nonceManager });
  await chain.local.fund(gas.address, { ether: 10n ** 20n });
  const payer = await chain.newPayer(FUNDS);
  const payTo = privateKeyToAccount(generatePrivateKey()).address;
  return { chain, gas, payer, payTo };
}

async function openStockStack(
  chain: TestChain,
  paywall: RequestHandler,
  fetchPaid: typeof fetch,
): Promise<Stack> {
  const app = express().use(paywall);
  app.get("/page", (_, response) => void response.json({ page: true }));
  const server = await listen(app);
  return {
    async buy() {
      const response = await fetchPaid(`${server.url}/page`);
      const text = await response.text();
      if (response.status === 200) return;
      const receipt = response.headers.get("PAYMENT-RESPONSE");
      const why = receipt === null ? text : Buffer.from(receipt, "base64").toString();
      throw new Error(`${response.status} ${why.slice(0, 200)}`);
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await chain[Symbol.asyncDispose]();
    },
  };
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
