/** One purchase in any of the three protocols, as a buyer would make it by hand: the request to send, and to send again. */
import {
  BASE_SEPOLIA_USDC,
  encodeMppPayment,
  mppNonce,
  parseMppChallenges,
} from "../../protocol/index.ts";
import { newAuthorization, sign } from "../support/chain.ts";
import { ITEMS, order, pay, type PayOptions } from "./payments.ts";

export const PROTOCOLS = ["x402v1", "x402v2", "mpp"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export interface PayByOptions extends Omit<PayOptions, "version"> {
  protocol: Protocol;
}

/** Asks a shop for its price and signs that. */
export async function payBy(
  shop: { url: string },
  { protocol, ...options }: PayByOptions,
): Promise<RequestInit> {
  if (protocol !== "mpp") return pay(shop, { version: protocol === "x402v1" ? 1 : 2, ...options });
  const { payer, init = order("a"), path = ITEMS, fields = {} } = options;
  const url = shop.url + path;
  const response = await fetch(url, init);
  const header = response.headers.get("WWW-Authenticate");
  const [offer] = parseMppChallenges({ header, url, now: Date.now() });
  const { payTo: to, amount: value, mpp, expires } = offer!;
  const nonce = mppNonce(mpp);
  const until = expires === undefined ? {} : { validBefore: expires };
  const authorization = newAuthorization(payer.address, { to, value, nonce, ...until, ...fields });
  const signature = await sign(payer, BASE_SEPOLIA_USDC, authorization);
  const credential = encodeMppPayment(offer!, authorization, signature);
  return {
    ...init,
    headers: { ...(init.headers as object), [credential.name]: credential.value },
  };
}

/** Where a protocol's receipt stands. */
export const RECEIPTS: Readonly<Record<Protocol, string>> = {
  x402v1: "X-PAYMENT-RESPONSE",
  x402v2: "PAYMENT-RESPONSE",
  mpp: "Payment-Receipt",
};
