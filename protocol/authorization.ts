/**
 * How an authorization travels: the header that carries it, the payload that a payer sent, and the receipt that comes back.
 */
import type { Hex } from "viem";
import { z } from "zod";
import { decodeJson, encodeJson, type Offer } from "./offer.ts";
import { parseAtomic } from "./money.ts";
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

const hex = (bytes: number) => z.string().regex(new RegExp(`^0x[0-9a-fA-F]{${bytes * 2}}$`));
const uint256 = z
  .string()
  .regex(/^(0|[1-9]\d{0,77})$/)
  .transform((text) => parseAtomic(text))
  .refine((value) => value < 2n ** 256n);

/** The payload of an `exact` EVM payment, as a payer sent it; parse with `safeParse`, a stranger wrote it. */
export const ExactPayload = z.object({
  signature: z
    .string()
    .max(8192)
    .regex(/^0x([0-9a-fA-F]{2})+$/),
  authorization: z.object({
    from: hex(20),
    to: hex(20),
    value: uint256,
    validAfter: uint256,
    validBefore: uint256,
    nonce: hex(32),
  }),
});

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
