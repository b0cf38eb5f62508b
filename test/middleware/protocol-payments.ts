/** One purchase at `POST /shop/items` in any of the three protocols: the request to send, and to send again. */
import { present, type PresentOptions, type Protocol } from "./paid-shop.ts";
import { ITEMS, order } from "./payments.ts";

export { type Protocol, PROTOCOLS } from "./paid-shop.ts";

/** Asks a shop for its price and signs that. */
export function payBy(
  shop: { url: string },
  { protocol, ...options }: PresentOptions & { protocol: Protocol },
): Promise<RequestInit> {
  return present(shop, protocol, { path: ITEMS, init: order("a"), ...options });
}

/** Where a protocol's receipt stands. */
export const RECEIPTS: Readonly<Record<Protocol, string>> = {
  "x402 v1": "X-PAYMENT-RESPONSE",
  "x402 v2": "PAYMENT-RESPONSE",
  MPP: "Payment-Receipt",
};
