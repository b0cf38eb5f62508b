/** Payments as a buyer would make them, for tests of the seller's side. */
import type { LocalAccount } from "viem";
import {
  BASE_SEPOLIA_USDC,
  encodePayment,
  type Offer,
  parseChallenge,
} from "../../protocol/index.ts";
import { newAuthorization, sign } from "../support/chain.ts";

export const ITEMS = "/shop/items";

export const order = (item: string): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ item }),
});

export async function readOffers(response: Response): Promise<Offer[]> {
  const header = response.headers.get("PAYMENT-REQUIRED");
  return parseChallenge({ header, body: await response.text() });
}

export interface PayOptions {
  version: 1 | 2;
  payer: LocalAccount;
  init?: RequestInit;
  path?: string;
  fields?: Parameters<typeof newAuthorization>[1];
}

/** Asks a shop for its price and signs that; the request to send, with the payment. */
export async function pay(
  { url }: { url: string },
  { version, payer, init = order("a"), path = ITEMS, fields = {} }: PayOptions,
): Promise<RequestInit> {
  const offers = await readOffers(await fetch(url + path, init));
  const offer = offers.find(({ x402Version }) => x402Version === version)!;
  const { payTo: to, amount: value } = offer;
  const authorization = newAuthorization(payer.address, { to, value, ...fields });
  const signature = await sign(payer, BASE_SEPOLIA_USDC, authorization);
  const header = encodePayment(offer, authorization, signature);
  return { ...init, headers: { ...(init.headers as object), [header.name]: header.value } };
}
