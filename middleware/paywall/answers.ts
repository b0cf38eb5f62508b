/** What a paywall answers: its own refusals, and the stored answer of a sale with its receipt. */
import type { Response } from "express";
import type { SettleResponse } from "../../protocol/authorization.ts";
import type { AmendsBody } from "./amends.ts";
import type { PaywallAnswer, StoredAnswer } from "./door.ts";
import { speak } from "./muted-response.ts";
import { PROTOCOLS } from "./protocols.ts";
import type { Delivered, SaleRecord } from "./sale-record.ts";

export const MALFORMED = problem(400, "invalid_payload", "The payment header cannot be read.");
export const REUSED = problem(
  409,
  "payment_reused",
  "This authorization has been used for another request, or in another payment.",
);
export const KEY_INVALID = problem(
  400,
  "invalid_payload",
  "The payment identifier (16 to 128 letters, digits, - or _) or Idempotency-Key cannot be read.",
);
export const IDENTIFIER_REUSED = problem(
  409,
  "payment_identifier_reused",
  "This payment identifier belongs to another payment. Send that payment again, or use a new identifier.",
);
export const KEY_REUSED = problem(
  422,
  "idempotency_key_reused",
  "This Idempotency-Key belongs to another request. Use a new key.",
);
export const BODY_NOT_READ = problem(
  415,
  "body_not_read",
  "Nothing before the paywall reads a body of this type. Send another type or none; who sells here mounts express.json() or the like before it.",
);
export const UNAVAILABLE = problem(
  503,
  "facilitator_unavailable",
  "The payment cannot be checked at the moment, and nothing was charged. Send the same payment again; do not sign another.",
);
export const BUSY = problem(
  503,
  "payment_in_progress",
  "This payment is being worked on. Send the same payment again; do not sign another.",
);
export const URL_TOO_LONG = problem(
  414,
  "url_too_long",
  "The offer names this URL, and would not fit into a header with it.",
);
export const AMENDS_PENDING: AmendsBody = {
  error: "refund_owed",
  message:
    "The payment was taken, the work failed, and the money is owed back to you. Send the same payment again to hear of it.",
};
const PENDING = problem(
  503,
  "settlement_pending",
  "The payment was taken and its settlement is not known yet. Send the same payment again; do not sign another.",
);

function problem(status: number, error: string, message: string): PaywallAnswer {
  return { status, body: { error, message } };
}

/** What is not known yet, with the receipt as far as there is one: to be asked again with the same payment. */
export function sendPending(
  response: Response,
  { protocol, sale }: Pick<SaleRecord<unknown>, "sale" | "protocol">,
  told: SettleResponse | undefined,
): void {
  const { asset, payer } = sale;
  const network = protocol === "x402v1" ? asset.networkName : asset.network;
  const transaction = told?.transaction ?? "";
  const errorReason = "settlement_pending";
  const receipt = { success: false, errorReason, transaction, network, payer };
  speak(response, () => {
    setReceipt(response, protocol, receipt, 0);
    sendLater(response, PENDING);
  });
}

/** The payment has settled, the work failed, and what is owed for it is not made good yet. */
export function sendOwed(
  response: Response,
  { protocol, receipt, at }: Pick<SaleRecord<unknown>, "protocol" | "receipt" | "at">,
  body: AmendsBody,
): void {
  speak(response, () => {
    if (receipt) setReceipt(response, protocol, receipt, at);
    sendLater(response, { status: 503, body });
  });
}

/** An answer that asks to be asked again. */
export function sendLater(response: Response, answer: PaywallAnswer): void {
  speak(response, () => {
    response.setHeader("Retry-After", "1");
    sendAnswer(response, answer);
  });
}

export function setReceipt(
  response: Response,
  protocol: SaleRecord<unknown>["protocol"],
  told: SettleResponse,
  at: number,
): void {
  const receipt = PROTOCOLS[protocol].receipt(told, at);
  if (!receipt) return;
  response.setHeader(...receipt);
  if (response.req.headers.origin !== undefined)
    response.append("Access-Control-Expose-Headers", receipt[0]);
}

export function sendAnswer(response: Response, { status, body }: PaywallAnswer): void {
  speak(response, () => void response.status(status).json(body));
}

/** A JSON answer as it is kept. */
export function storedJson({ status, body }: PaywallAnswer): StoredAnswer {
  const headers = { "content-type": "application/json; charset=utf-8" };
  return { status, headers, text: JSON.stringify(body) };
}

/** The answer of a sale that is over, with its receipt: the same each time. */
export function sendDelivered(
  response: Response,
  protocol: SaleRecord<unknown>["protocol"],
  delivered: Delivered,
): void {
  speak(response, () => writeDelivered(response, protocol, delivered));
}

function writeDelivered(
  response: Response,
  protocol: SaleRecord<unknown>["protocol"],
  { answer, receipt, at }: Delivered,
): void {
  const { status, headers, text, base64 } = answer;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  setReceipt(response, protocol, receipt, at);
  response.setHeader("Cache-Control", "private, no-store");
  if (text === undefined && base64 === undefined) {
    response.removeHeader("Content-Type");
    sendAnswer(response, NOT_KEPT);
    return;
  }
  response.statusCode = status;
  response.end(base64 === undefined ? text : Buffer.from(base64, "base64"));
}

const NOT_KEPT = problem(
  410,
  "answer_not_kept",
  "This was paid for and delivered, and its answer was too large to keep for a second time.",
);
