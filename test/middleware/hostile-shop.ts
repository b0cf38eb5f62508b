/** A shop that misbehaves: it asks for whatever a test wants, and answers a payment in any way at all. */
import express, { type Request, type Response } from "express";
import { BASE_SEPOLIA_USDC, encodeJson } from "../../protocol/index.ts";
import { type Listening, listen } from "./shop.ts";

export interface HostileShop extends Listening {
  readonly payTo: `0x${string}`;
  /** The value of the payment header of each paid request. */
  readonly payments: string[];
  /** Requests without a payment. */
  readonly unpaid: () => number;
}

export interface HostileShopOptions {
  /** Changes the v2 offer; several make several offers. */
  offers?: (offer: V2Offer, url: string) => object[];
  resource?: (url: string) => string | undefined;
  onUnpaid?: (request: Request, response: Response) => void;
  onPaid?: (request: Request, response: Response, payment: string) => void | Promise<void>;
}

export type V2Offer = ReturnType<typeof goodOffer>;

const payTo = `0x${"dd".repeat(20)}` as const;

function goodOffer() {
  return {
    scheme: "exact",
    network: BASE_SEPOLIA_USDC.network,
    amount: "10000",
    asset: BASE_SEPOLIA_USDC.address as string,
    payTo: payTo as string,
    maxTimeoutSeconds: 60,
    extra: { name: "USDC", version: "2" } as object,
  };
}

export async function openHostileShop({
  offers = (offer) => [offer],
  resource = (url) => url,
  onUnpaid,
  onPaid = (_, response) => void response.json({ ok: true }),
}: HostileShopOptions = {}): Promise<HostileShop> {
  const payments: string[] = [];
  let unpaid = 0;
  let base = "";
  const app = express();
  app.use(express.text({ type: () => true }));
  app.use(async (request, response) => {
    const payment = request.header("PAYMENT-SIGNATURE") ?? request.header("X-PAYMENT");
    if (payment !== undefined) {
      payments.push(payment);
      await onPaid(request, response, payment);
      return;
    }
    unpaid += 1;
    if (onUnpaid) {
      onUnpaid(request, response);
      return;
    }
    const url = base + request.originalUrl;
    const named = resource(url);
    const challenge = {
      x402Version: 2,
      ...(named === undefined ? {} : { resource: { url: named } }),
      accepts: offers(goodOffer(), url),
    };
    response.status(402).setHeader("PAYMENT-REQUIRED", encodeJson(challenge)).json({});
  });
  const server = await listen(app);
  base = server.url;
  return Object.assign(server, { payTo, payments, unpaid: () => unpaid });
}
