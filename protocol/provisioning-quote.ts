/**
 * A quote is a provider's word on what one order costs: an amount, until when, and a hash over all of it. The order names the
 * quote, so the price cannot move between the decision and the payment. (`POST /provisioning/quotes`; APP 0.1d has no such thing.)
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { Values } from "./typed-values.ts";

const text = (max: number) => z.string().min(1).max(max);

/** A new resource, another service or configuration of one, or the next period of one. */
export const QUOTE_PURPOSES = ["create", "update", "renewal"] as const;

/** `POST /provisioning/quotes`, signed, with the account's bearer token. */
export const QuoteRequest = z.looseObject({
  service_id: text(100),
  configuration: Values.default({}),
  /** What a `needs_information` answer asked for. */
  submitted_information: Values.optional(),
  purpose: z.enum(QUOTE_PURPOSES).default("create"),
  /** The resource that an update or a renewal is of. */
  resource_id: text(100).optional(),
});
export type QuoteRequest = z.output<typeof QuoteRequest>;

export const ProvisioningQuote = z.object({
  id: text(100),
  object: z.literal("quote"),
  service_id: text(100),
  purpose: z.enum(QUOTE_PURPOSES),
  resource_id: text(100).optional(),
  /** Plain decimal text; "0.00" where it is free. */
  amount: z.string().regex(/^\d{1,12}(\.\d{1,6})?$/),
  currency: z.literal("usd"),
  kind: z.enum(["free", "one_time", "recurring", "usage"]),
  interval: z.enum(["one_time", "month", "year"]).optional(),
  unit: text(50).optional(),
  /** For people: "$5 a month". */
  description: z.string().max(500),
  expires_at: z.iso.datetime(),
  /** `quoteHash` of it. */
  hash: text(100),
});
export type ProvisioningQuote = z.output<typeof ProvisioningQuote>;

/** base64url SHA-256 over what a quote says and what it is for. Both sides compute it: a quote whose hash differs is another one. */
export function quoteHash(
  quote: Omit<ProvisioningQuote, "hash">,
  configuration: Readonly<Record<string, string>>,
): string {
  const { id, service_id, purpose, resource_id, amount, currency, kind, interval, unit } = quote;
  const sorted = Object.entries(configuration).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const said = [
    ["purser-quote-1", id, service_id, purpose, resource_id ?? null, amount, currency, kind],
    [interval ?? null, unit ?? null, quote.expires_at, sorted],
  ];
  return createHash("sha256").update(JSON.stringify(said)).digest("base64url");
}
