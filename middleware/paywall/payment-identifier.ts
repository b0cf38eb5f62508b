/**
 * A buyer's own name for a payment: the x402 extension `payment-identifier`, and the header `Idempotency-Key`. The first is bound
 * to the exact payment (x402 specification, extensions/payment_identifier.md), the second to the request, so that a buyer who
 * signed anew after a lost answer gets the first one's answer and is not charged again. Both belong to one payer at one paywall.
 */
import type { Request } from "express";
import type { PresentedPayment } from "./presented-payment.ts";

export const PAYMENT_IDENTIFIER = "payment-identifier";
const ID = /^[A-Za-z0-9_-]{16,128}$/;
/** Of `Idempotency-Key`: printable, and no longer than anybody's. */
const KEY = /^[\x21-\x7e]{1,255}$/;

/** What the challenge says of it. */
export const paymentIdentifierOffer = {
  info: { required: false },
  schema: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: {
      required: { type: "boolean" },
      id: { type: "string", minLength: 16, maxLength: 128 },
    },
    required: ["required"],
  },
};

export interface BuyerKey {
  readonly kind: "payment-identifier" | "idempotency-key";
  readonly id: string;
}

/** The buyer's name for this payment, "invalid" where it is none, or undefined. The extension comes first. */
export function readBuyerKey(
  request: Request,
  { payload }: PresentedPayment,
): BuyerKey | "invalid" | undefined {
  const extensions = payload["extensions"] as Record<string, unknown> | undefined;
  const extension = extensions?.[PAYMENT_IDENTIFIER] as { info?: { id?: unknown } } | undefined;
  const id = extension?.info?.id;
  if (id !== undefined) {
    const isId = typeof id === "string" && ID.test(id);
    return isId ? { kind: "payment-identifier", id } : "invalid";
  }
  const key = request.headers["idempotency-key"];
  if (key === undefined) return undefined;
  const isKey = typeof key === "string" && KEY.test(key);
  return isKey ? { kind: "idempotency-key", id: key } : "invalid";
}

/** As it is kept: a key of one kind is never one of the other. */
export function keyText({ kind, id }: BuyerKey): string {
  return `${kind}:${id}`;
}
