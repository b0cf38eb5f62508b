/** A shop of ordinary Express handlers behind `paywall`, and buyers of every protocol for it. */
import express, { type RequestHandler } from "express";
import { keccak256, type LocalAccount, stringToBytes } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { paywall, type PaywallHandler, type PaywallOptions } from "../../middleware/index.ts";
import {
  BASE_SEPOLIA_USDC as asset,
  encodeMppPayment,
  parseMppChallenges,
} from "../../protocol/index.ts";
import { type Database, openDatabase } from "../../store/index.ts";
import { newAuthorization, sign } from "../support/chain.ts";
import { pay } from "./payments.ts";
import { type Listening, listen } from "./shop.ts";

export interface PaidShop extends Listening {
  readonly db: Database;
  readonly paywall: PaywallHandler;
  readonly payTo: `0x${string}`;
  /** A word for each run of the handler: method and URL. */
  readonly runs: string[];
}

export interface PaidShopOptions extends Partial<PaywallOptions> {
  facilitator: PaywallOptions["facilitator"];
  /** Default: answers `{ item, run }`, with a header of its own. */
  handler?: RequestHandler;
}

/** Sells `GET` and `POST /item/:name`, and all below `/paid` as a router. */
export async function openPaidShop({
  handler,
  db = openDatabase(":memory:"),
  payTo = privateKeyToAccount(generatePrivateKey()).address,
  ...options
}: PaidShopOptions): Promise<PaidShop> {
  const runs: string[] = [];
  const middleware = paywall({ price: "0.01", payTo, db, ...options });
  const work: RequestHandler = (request, response, next) => {
    runs.push(`${request.method} ${request.originalUrl}`);
    if (handler) return handler(request, response, next);
    return void response
      .setHeader("X-Item", "yes")
      .json({ item: request.originalUrl, run: runs.length });
  };
  const app = express();
  app.disable("x-powered-by");
  app.use(express.json());
  app.get("/item/:name", middleware, work);
  app.post("/item/:name", middleware, work);
  app.use("/paid", middleware, express.Router().get("/a", work).get("/b", work));
  app.use(((error: Error & { code?: string; status?: number }, _request, response, _next) => {
    response.status(error.status ?? 500).json({ error: error.code ?? error.message });
  }) as express.ErrorRequestHandler);
  const server = await listen(app);
  return {
    url: server.url,
    db,
    paywall: middleware,
    payTo,
    runs,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

export const PROTOCOLS = ["x402 v1", "x402 v2", "MPP"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export interface PresentOptions {
  payer: LocalAccount;
  path?: string;
  init?: RequestInit;
  /** Changes the MPP challenge before it is answered. */
  challenge?: Record<string, string>;
  fields?: NonNullable<Parameters<typeof newAuthorization>[1]>;
}

/** The request to send, with a payment in this protocol for what the shop asked. */
export function present(
  shop: { url: string },
  protocol: Protocol,
  { payer, path = "/item/a", init = {}, challenge = {}, fields = {} }: PresentOptions,
): Promise<RequestInit> {
  if (protocol === "MPP") return presentMpp(shop, { payer, path, init, challenge, fields });
  return pay(shop, { version: protocol === "x402 v1" ? 1 : 2, payer, init, path, fields });
}

async function presentMpp(
  { url }: { url: string },
  { payer, path, init, challenge, fields }: Required<PresentOptions>,
): Promise<RequestInit> {
  const asked = await fetch(url + path, init);
  await asked.arrayBuffer();
  const header = asked.headers.get("WWW-Authenticate");
  const [offer] = parseMppChallenges({ header, url: url + path, now: Date.now() });
  if (!offer) throw new Error("the shop offers no MPP");
  const changed = { ...offer, mpp: { ...offer.mpp, ...challenge } };
  const authorization = newAuthorization(payer.address, {
    to: offer.payTo,
    value: offer.amount,
    validAfter: 0n,
    nonce: keccak256(stringToBytes(changed.mpp.id + changed.mpp.realm)),
    ...fields,
  });
  const signature = await sign(payer, asset, authorization);
  const { name, value } = encodeMppPayment(changed, authorization, signature);
  return { ...init, headers: { ...(init.headers as object), [name]: value } };
}
