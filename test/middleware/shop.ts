/** A shop behind the paywall, on a real chain and facilitator, for tests of both sides of a 402. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import {
  type RunningFacilitator,
  startFacilitator,
  type StartFacilitatorOptions,
} from "../../facilitator/index.ts";
import {
  type PaywallQuote,
  type PaywallRefusal,
  type PaywallSale,
  type QuotedPaywall,
  quotedPaywall,
  type QuotedPaywallOptions,
} from "../../middleware/index.ts";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { type Database, openDatabase } from "../../store/index.ts";
import { openTestChain, type TestChain } from "../support/chain.ts";

export interface Market extends AsyncDisposable {
  readonly chain: TestChain;
  readonly facilitator: RunningFacilitator;
}

/** A chain with a facilitator on it. */
export async function openMarket(
  options: Pick<StartFacilitatorOptions, "duplicates"> = {},
): Promise<Market> {
  const chain = await openTestChain();
  const privateKey = generatePrivateKey();
  await chain.local.fund(privateKeyToAccount(privateKey).address, { ether: 10n ** 18n });
  const facilitator = await startFacilitator({ rpcUrl: chain.rpcUrl, privateKey, ...options });
  return {
    chain,
    facilitator,
    async [Symbol.asyncDispose]() {
      await facilitator.close();
      await chain[Symbol.asyncDispose]();
    },
  };
}

export interface Listening extends AsyncDisposable {
  readonly url: string;
}

export async function listen(app: RequestListener, port = 0): Promise<Listening> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = createServer(app).listen(port, "127.0.0.1", () => resolve());
  await promise;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
}

interface Order {
  item: string;
}

export interface Shop extends Listening {
  readonly db: Database;
  readonly paywall: QuotedPaywall;
  readonly payTo: `0x${string}`;
  /** What happened, in order: "work a", "settled a", "abandoned a". */
  readonly events: string[];
}

export interface ShopOptions extends Partial<QuotedPaywallOptions<Order>> {
  facilitatorUrl: NonNullable<QuotedPaywallOptions<Order>["facilitator"]>;
  /** What is thrown or returned instead of selling. */
  onWork?: (sale: PaywallSale<Order>) => PaywallRefusal | undefined | Promise<undefined>;
  onQuote?: (item: string) => PaywallRefusal | undefined;
  amount?: bigint;
  payTo?: `0x${string}`;
  description?: string;
}

/** Sells `POST /shop/items` with `{ item }`, and `GET /shop/items/:item`, at one price. */
export async function openShop({
  onWork = () => undefined,
  onQuote = () => undefined,
  amount = 10_000n,
  db = openDatabase(":memory:"),
  payTo = privateKeyToAccount(generatePrivateKey()).address,
  description,
  facilitatorUrl: facilitator,
  ...options
}: ShopOptions): Promise<Shop> {
  const events: string[] = [];
  let url = "";
  const paywall = quotedPaywall<Order>({
    db,
    facilitator,
    name: "items",
    publicOrigin: () => url,
    quote: ({ params, body }): PaywallQuote<Order> | PaywallRefusal => {
      const item = String(params["item"] ?? (body as { item?: string } | undefined)?.item);
      const refusal = onQuote(item);
      if (refusal) return refusal;
      return {
        amount,
        asset: BASE_SEPOLIA_USDC,
        payTo,
        description: description ?? `One ${item}`,
        order: { item },
      };
    },
    work: (sale) => {
      events.push(`work ${sale.order.item}`);
      return onWork(sale);
    },
    settled: ({ order: { item }, transaction }) => {
      events.push(`settled ${item}`);
      return { status: 201, body: { item, transaction } };
    },
    abandoned: ({ order }) => void events.push(`abandoned ${order.item}`),
    ...options,
  });
  const app = express();
  app.disable("x-powered-by");
  const router = express.Router();
  router.post("/items", express.json(), paywall.handler);
  router.get("/items/:item", paywall.handler);
  router.all("/any", paywall.handler);
  app.use("/shop", router);
  app.use(((error: Error, _request, response, _next) => {
    response.status(500).json({ error: (error as { code?: string }).code ?? error.message });
  }) as express.ErrorRequestHandler);
  const server = await listen(app);
  url = server.url;
  return {
    url,
    db,
    paywall,
    payTo,
    events,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      db.close();
    },
  };
}
