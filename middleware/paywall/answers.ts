/** What a paywall answers: its own refusals, and the stored answer of a sale with its receipt. */
import type { Response } from "express";
import type { SettleResponse } from "../../protocol/authorization.ts";
import { encodeJson, type X402Version } from "../../protocol/offer.ts";
import type { PaywallAnswer } from "../quoted-paywall.ts";
import type { Delivered, SaleRecord } from "./sale-records.ts";

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
const PENDING = problem(
  503,
  "settlement_pending",
  "The payment was taken and its settlement is not known yet. Send the same payment again; do not sign another.",
);
export const UNAVAILABLE = problem(
  503,
  "facilitator_unavailable",
  "The payment cannot be checked at the moment, and nothing was charged. Send the same payment again; do not sign another.",
);
export const URL_TOO_LONG = problem(
  414,
  "url_too_long",
  "The offer names this URL, and would not fit into a header with it.",
);
export const WORK_FAILED = problem(500, "work_failed", "Nothing was charged.");

function problem(status: number, error: string, message: string): PaywallAnswer {
  return { status, body: { error, message } };
}

/** What is not known yet, with the receipt as far as there is one: to be asked again with the same payment. */
export function sendPending(
  response: Response,
  { x402Version, sale }: Pick<SaleRecord<unknown>, "sale" | "x402Version">,
  told: SettleResponse | undefined,
): void {
  const { asset, payer } = sale;
  const network = x402Version === 1 ? asset.networkName : asset.network;
  const transaction = told?.transaction ?? "";
  const errorReason = "settlement_pending";
  const receipt = { success: false, errorReason, transaction, network, payer };
  response.setHeader(RECEIPT_HEADERS[x402Version], encodeJson(receipt));
  response.setHeader("Retry-After", "1");
  sendAnswer(response, PENDING);
}

export function sendUnavailable(response: Response): void {
  response.setHeader("Retry-After", "1");
  sendAnswer(response, UNAVAILABLE);
}

/** JSON without what Express adds for caches, which this answer forbids. */
export function sendUncached(response: Response, { status, body }: PaywallAnswer): void {
  response.statusCode = status;
  response.setHeader("Content-Type", "application/json; charset=utf-8");
  response.end(JSON.stringify(body));
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
