/**
 * How an authorization travels: the header that carries it, the payload that a payer sent, and the receipt that comes back.
 */
import type { Hex } from "viem";
import { z } from "zod";
import { isObject } from "./is-object.ts";
import { decodeJson, encodeJson, type Offer } from "./offer.ts";
import type { Authorization } from "./transfer-authorization.ts";

export {
  type Authorization,
  authorizationTypedData,
  TRANSFER_WITH_AUTHORIZATION,
} from "./transfer-authorization.ts";

/** The header that carries a payment. Its value is a bearer capability: never log it. */
export interface PaymentHeader {
  readonly name: "X-PAYMENT" | "PAYMENT-SIGNATURE" | "Authorization" | "Payment-Authorization";
  readonly value: string;
}

/** The payment header for an offer: x402 v1 `X-PAYMENT`, x402 v2 `PAYMENT-SIGNATURE` (transports-v1/http.md, -v2/http.md). */
export function encodePayment(
  offer: Offer,
  authorization: Authorization,
  signature: Hex,
): PaymentHeader {
  const payload = {
    signature,
    authorization: {
      ...authorization,
      value: authorization.value.toString(),
      validAfter: authorization.validAfter.toString(),
      validBefore: authorization.validBefore.toString(),
    },
  };
  if (offer.x402Version === 1) {
    const { scheme, network } = offer.raw;
    return { name: "X-PAYMENT", value: encodeJson({ x402Version: 1, scheme, network, payload }) };
  }
  const resource = offer.resource === undefined ? {} : { resource: { url: offer.resource } };
  return {
    name: "PAYMENT-SIGNATURE",
    value: encodeJson({ x402Version: 2, ...resource, accepted: offer.raw, payload }),
  };
}

/** The payload of an `exact` EVM payment. */
export interface ExactPayload {
  readonly signature: Hex;
  readonly authorization: Authorization;
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const WORD = /^0x[0-9a-fA-F]{64}$/;
const BYTES = /^0x([0-9a-fA-F]{2})+$/;
const UINT = /^(0|[1-9]\d{0,77})$/;
const MAX_SIGNATURE = 8192;
const UINT_END = 2n ** 256n;

/**
 * The payload as a payer sent it, with its numbers; undefined where a field is not exactly what it must be, because a stranger wrote it. By
 * hand, because a seller and a facilitator read one for every payment.
 */
export function readExactPayload(payload: unknown): ExactPayload | undefined {
  if (!isObject(payload)) return undefined;
  const { signature, authorization } = payload;
  if (!isText(signature, BYTES) || signature.length > MAX_SIGNATURE) return undefined;
  if (!isObject(authorization)) return undefined;
  const { from, to, nonce } = authorization;
  if (!isText(from, ADDRESS) || !isText(to, ADDRESS) || !isText(nonce, WORD)) return undefined;
  const value = readUint(authorization["value"]);
  const validAfter = readUint(authorization["validAfter"]);
  const validBefore = readUint(authorization["validBefore"]);
  if (value === undefined || validAfter === undefined || validBefore === undefined)
    return undefined;
  return { signature, authorization: { from, to, value, validAfter, validBefore, nonce } };
}

function isText(value: unknown, shape: RegExp): value is Hex {
  return typeof value === "string" && shape.test(value);
}

function readUint(text: unknown): bigint | undefined {
  if (typeof text !== "string" || !UINT.test(text)) return undefined;
  const value = BigInt(text);
  return value < UINT_END ? value : undefined;
}

/** What the facilitator said of a settlement: `X-PAYMENT-RESPONSE` (v1) or `PAYMENT-RESPONSE` (v2). A claim, not a proof. */
export const SettleResponse = z.looseObject({
  success: z.boolean(),
  transaction: z.string().max(256).optional(),
  network: z.string().max(64).optional(),
  payer: z.string().max(256).optional(),
  errorReason: z.string().max(256).optional(),
});
export type SettleResponse = z.output<typeof SettleResponse>;

/** The settlement claim in an answer's headers, or undefined where there is none that can be read. */
export function readSettleResponse(headers: Headers): SettleResponse | undefined {
  const value = headers.get("PAYMENT-RESPONSE") ?? headers.get("X-PAYMENT-RESPONSE");
  return value === null ? undefined : SettleResponse.safeParse(decodeJson(value)).data;
}
