/**
 * Why the stock middleware let a payment not through to the work: a code of the specification's, or nothing that says anything
 * about the payment. Whatever else it wrote (a facilitator's error page, an exception's text) is not passed on.
 */
import { decodeJson, type X402Version } from "../../protocol/offer.ts";
import type { CapturedResponse } from "./captured-response.ts";
import { saysNothing } from "./settle-again.ts";

/** What both libraries say, before they ask anybody, of a payment for terms that they have not asked. */
const OTHER_TERMS = /^(No|Unable to find) matching payment requirements$/;
const CODE = /^[a-z][a-z0-9_]{2,80}$/;

/** The code, or undefined where the facilitator has not said that the payment is bad. */
export function readStockRefusal(
  held: CapturedResponse,
  x402Version: X402Version,
): string | undefined {
  if (held.status() !== 402) return undefined;
  const told = x402Version === 1 ? readJson(held.text()) : readHeader(held);
  const error = (told as { error?: unknown } | null | undefined)?.error;
  if (typeof error === "string" && OTHER_TERMS.test(error)) return "invalid_payment_requirements";
  return typeof error === "string" && CODE.test(error) && !saysNothing(error) ? error : undefined;
}

function readHeader(held: CapturedResponse): unknown {
  const header = held.header("PAYMENT-REQUIRED");
  return header === undefined ? undefined : decodeJson(header);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
