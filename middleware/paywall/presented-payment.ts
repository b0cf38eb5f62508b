/**
 * The payment that a request carries, read strictly, before any library sees it: one header, of one version, in canonical
 * Base64. Of two readings of the same header one could be checked and the other be taken.
 */
import { createHash } from "node:crypto";
import type { Request } from "express";
import { getAddress, type Address, type Hex } from "viem";
import { z } from "zod";
import { ExactPayload } from "../../protocol/authorization.ts";
import { decodeJson, type X402Version } from "../../protocol/offer.ts";

export interface PresentedPayment {
  readonly x402Version: X402Version;
  /** As the payer wrote it; the facilitator gets exactly this. */
  readonly payload: Readonly<Record<string, unknown>>;
  readonly payer: Address;
  readonly payTo: Address;
  readonly amount: bigint;
  readonly nonce: Hex;
  readonly validBefore: bigint;
  /** Digest of the header: the same bytes, the same payment. */
  readonly digest: string;
}

const HEADERS = { "x-payment": 1, "payment-signature": 2 } as const;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const V1 = z.looseObject({ x402Version: z.literal(1), payload: ExactPayload });
const V2 = z.looseObject({ x402Version: z.literal(2), payload: ExactPayload });

/** The request's payment, undefined when it carries none, or "malformed". */
export function readPresented(request: Request): PresentedPayment | "malformed" | undefined {
  const present = Object.entries(HEADERS).filter(([name]) => request.headers[name] !== undefined);
  const [header] = present;
  if (!header) return undefined;
  const [name, x402Version] = header;
  const value = request.headers[name];
  if (present.length > 1 || typeof value !== "string" || !BASE64.test(value)) return "malformed";
  const json = decodeJson(value);
  const { data } = (x402Version === 1 ? V1 : V2).safeParse(json);
  if (!data) return "malformed";
  const { from, to, value: amount, nonce, validBefore } = data.payload.authorization;
  return {
    x402Version,
    payload: json as Record<string, unknown>,
    payer: getAddress(from.toLowerCase()),
    payTo: getAddress(to.toLowerCase()),
    amount,
    nonce: nonce.toLowerCase() as Hex,
    validBefore,
    digest: createHash("sha256").update(`${name}:${value}`).digest("hex"),
  };
}
