/** The field's own servers, unmodified, as sellers: each sells `POST /shop/items` with `{ item }` for 0.01, and notes what it sold. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddlewareFromConfig } from "@x402/express";
import { paymentMiddlewareFromConfig as honoPaywall } from "@x402/hono";
import express, { type RequestHandler } from "express";
import { Hono } from "hono";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { paymentMiddleware } from "x402-express";
import { BASE_SEPOLIA_USDC, BASE_USDC } from "../../protocol/index.ts";
import { type Listening, listen } from "./shop.ts";
import { stockMppx } from "./stock-mppx.ts";

export interface StockSeller extends Listening {
  readonly payTo: `0x${string}`;
  /** The item of each time that the work was done, in order. */
  readonly sold: string[];
}

const { address, decimals, eip712 } = BASE_SEPOLIA_USDC;
const network = BASE_SEPOLIA_USDC.network as `eip155:1`;

/** Unmodified `x402-express`. */
export function stockShopV1(
  facilitatorUrl: string,
  ...before: RequestHandler[]
): Promise<StockSeller> {
  const payTo = newPayee();
  const price = { amount: "10000", asset: { address, decimals, eip712 } };
  const routes = { "POST /shop/items": { price, network: "base-sepolia" } } as const;
  const facilitator = { url: facilitatorUrl as `http://${string}` };
  return sell(payTo, [...before, express.json(), paymentMiddleware(payTo, routes, facilitator)]);
}

/** Unmodified `@x402/express`. */
export function stockShopV2(facilitatorUrl: string): Promise<StockSeller> {
  const payTo = newPayee();
  return sellV2(facilitatorUrl, payTo, routesV2(payTo), network);
}

/** The same on Base, for a dollar price: which token that is, and what its domain says, is the package's own knowledge. */
export function stockShopOnBase(facilitatorUrl: string): Promise<StockSeller> {
  const payTo = newPayee();
  const base = BASE_USDC.network as `eip155:1`;
  const accepts = { scheme: "exact", network: base, payTo, price: "$0.01" } as const;
  return sellV2(facilitatorUrl, payTo, { "POST /shop/items": { accepts } }, base);
}

function sellV2(
  facilitatorUrl: string,
  payTo: `0x${string}`,
  routes: ReturnType<typeof routesV2> | Parameters<typeof paymentMiddlewareFromConfig>[0],
  on: `eip155:1`,
): Promise<StockSeller> {
  const facilitator = new HTTPFacilitatorClient({ url: facilitatorUrl });
  const schemes = [{ network: on, server: new ExactEvmScheme() }];
  return sell(payTo, [express.json(), paymentMiddlewareFromConfig(routes, facilitator, schemes)]);
}

/** Unmodified `mppx`, which offers MPP, and x402 v2 beside it at the same price. */
export function stockShopMppx(facilitatorUrl: string): Promise<StockSeller> {
  const payTo = newPayee();
  const mppx = stockMppx(payTo, facilitatorUrl);
  return sell(payTo, [express.json(), mppx.charge({ amount: "0.01" }) as RequestHandler]);
}

/** Unmodified `@x402/hono`, on Node's own HTTP server. */
export async function stockShopHono(facilitatorUrl: string): Promise<StockSeller> {
  const payTo = newPayee();
  const sold: string[] = [];
  const app = new Hono();
  app.use(
    honoPaywall(routesV2(payTo), new HTTPFacilitatorClient({ url: facilitatorUrl }), [
      { network, server: new ExactEvmScheme() },
    ]),
  );
  app.post("/shop/items", async (context) => {
    const body = await context.req.json<{ item: string }>();
    sold.push(body.item);
    return context.json({ sold: body });
  });
  const server = createServer((request, response) => {
    void answerWith((made) => app.fetch(made), request, response);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    payTo,
    sold,
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
}

/** A `fetch` behind something that knows MPP alone: the other offers of an answer are lost on the way. */
export const onlyMpp: typeof fetch = async (input, init) => {
  const { body, status, headers } = await fetch(input, init);
  const kept = new Headers(headers);
  kept.delete("PAYMENT-REQUIRED");
  return new Response(body, { status, headers: kept });
};

const newPayee = () => privateKeyToAccount(generatePrivateKey()).address;

const routesV2 = (payTo: string) => ({
  "POST /shop/items": {
    accepts: {
      scheme: "exact",
      network,
      payTo,
      price: { amount: "10000", asset: address, extra: { ...eip712 } },
    },
  },
});

async function sell(payTo: `0x${string}`, before: RequestHandler[]): Promise<StockSeller> {
  const sold: string[] = [];
  const app = express();
  app.use(...before);
  app.post("/shop/items", (request, response) => {
    const body = request.body as { item: string };
    sold.push(body.item);
    response.json({ sold: body });
  });
  return Object.assign(await listen(app), { payTo, sold });
}

async function answerWith(
  handle: (request: Request) => Response | Promise<Response>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "GET", url = "/", headers } = request;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const sent = new Headers(headers as Record<string, string>);
  const body = method === "GET" ? null : Buffer.concat(chunks);
  const made = new Request(`http://${headers.host}${url}`, { method, headers: sent, body });
  const answer = await handle(made);
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(Buffer.from(await answer.arrayBuffer()));
}
