/** What a paywall answers: its own refusals, and the stored answer of a sale with its receipt. */
import type { Response } from "express";
import type { X402Version } from "../../protocol/offer.ts";
import type { PaywallAnswer } from "../quoted-paywall.ts";
import type { Delivered } from "./sale-records.ts";

export const RECEIPT_HEADERS: Readonly<Record<X402Version, string>> = {
  1: "X-PAYMENT-RESPONSE",
  2: "PAYMENT-RESPONSE",
};

export const MALFORMED = problem(400, "invalid_payload", "The payment header cannot be read.");
export const REUSED = problem(
  409,
  "payment_reused",
  "This authorization has been used for another request, or in another payment.",
);
export const PENDING = problem(
  503,
  "settlement_pending",
  "The payment was taken and its settlement is not known yet. Send the same payment again; do not sign another.",
);
export const WORK_FAILED = problem(500, "work_failed", "Nothing was charged.");

function problem(status: number, error: string, message: string): PaywallAnswer {
  return { status, body: { error, message } };
}

export function sendAnswer(response: Response, { status, body }: PaywallAnswer): void {
  response.status(status).json(body);
}

export function sendDelivered(
  response: Response,
  x402Version: X402Version,
  { answer, receipt }: Delivered,
): void {
  response.setHeader(RECEIPT_HEADERS[x402Version], receipt);
  response.setHeader("Cache-Control", "private, no-store");
  sendAnswer(response, answer);
}
