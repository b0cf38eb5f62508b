/** x402 challenges: version 2 in the header `PAYMENT-REQUIRED`, version 1 in the body. */
import { headerValues, type WireAnswer } from "../wire/exchange.ts";
import type { OfferedTerms } from "./challenge.ts";
import { isObject, type JsonObject, parse } from "./json.ts";

export interface ReadParts {
  readonly value: JsonObject;
  readonly text: string;
  readonly entries: readonly unknown[];
  readonly offers: readonly OfferedTerms[];
}

/** Its parts, or why it cannot be read. */
export function readX402V2(answer: WireAnswer): ReadParts | string {
  const [header] = headerValues(answer, "payment-required");
  if (header === undefined) return "there is no PAYMENT-REQUIRED header";
  const text = Buffer.from(header, "base64").toString("utf8");
  const value = parse(text);
  if (!isObject(value)) return "PAYMENT-REQUIRED is not base64 of a JSON object";
  return parts(value, text, "amount");
}

export function readX402V1({ body }: WireAnswer): ReadParts | string {
  const value = parse(body);
  if (!isObject(value)) return "the body is not a JSON object";
  if (!("accepts" in value)) return 'the body has no "accepts"';
  return parts(value, body, "maxAmountRequired");
}

function parts(value: JsonObject, text: string, amount: string): ReadParts {
  const entries: readonly unknown[] = Array.isArray(value["accepts"]) ? value["accepts"] : [];
  const offers = entries.filter(isObject).map((raw) => ({
    raw,
    scheme: raw["scheme"],
    network: raw["network"],
    amount: raw[amount],
    asset: raw["asset"],
    payTo: raw["payTo"],
  }));
  return { value, text, entries, offers };
}
