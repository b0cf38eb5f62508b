/**
 * The payment that a request carries, read strictly, before anybody else sees it: one header, of one protocol, in canonical
 * Base64. Of two readings of the same header one could be checked and the other be taken.
 */
import { hash } from "node:crypto";
import type { Request } from "express";
import type { Address, Hex } from "viem";
import { getAddress } from "../../protocol/address.ts";
import { type ExactPayload, readExactPayload } from "../../protocol/authorization.ts";
import { isObject } from "../../protocol/is-object.ts";
import { decodeJson } from "../../protocol/offer.ts";
import { type MppCredential, readCredential } from "./mpp-credential.ts";

export type PaywallProtocol = "x402v1" | "x402v2" | "mpp";

export interface PresentedPayment {
  readonly protocol: PaywallProtocol;
  /** As the payer wrote it; the facilitator gets exactly this. */
  readonly payload: Readonly<Record<string, unknown>>;
  readonly payer: Address;
  readonly payTo: Address;
  /** Atomic units. */
  readonly amount: bigint;
  readonly nonce: Hex;
  readonly validBefore: bigint;
  /** Of the header: the same bytes, the same payment. */
  readonly digest: string;
  /** Of MPP: the challenge that it answers. */
  readonly credential?: MppCredential;
}

/** A header that cannot be read, and the protocol whose manners the answer has. */
export interface MalformedPayment {
  readonly malformed: PaywallProtocol;
}

const HEADERS: readonly (readonly [name: string, protocol: PaywallProtocol])[] = [
  ["x-payment", "x402v1"],
  ["payment-signature", "x402v2"],
  ["authorization", "mpp"],
  ["payment-authorization", "mpp"],
];
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** `Authorization` is also everybody else's header. */
export const PAYMENT_SCHEME = /^payment\s+/i;

/** The request's payment, or undefined when it carries none. */
export function readPresented(request: Request): PresentedPayment | MalformedPayment | undefined {
  const { headers } = request;
  const present = HEADERS.filter(
    ([name]) =>
      headers[name] !== undefined &&
      (name !== "authorization" || PAYMENT_SCHEME.test(headers.authorization ?? "")),
  );
  const [header] = present;
  if (!header) return undefined;
  const [name, protocol] = header;
  // Of several, nobody can say which is meant: that is a bad request in every protocol.
  if (present.length > 1) return { malformed: "x402v2" };
  const value = headers[name];
  if (typeof value !== "string") return { malformed: protocol };
  if (name === "authorization" && (request.headersDistinct[name]?.length ?? 1) > 1)
    return { malformed: "x402v2" };
  const read = protocol === "mpp" ? readMpp(value) : readX402(value, protocol);
  if (!read) return { malformed: protocol };
  const { from, to, value: amount, nonce, validBefore } = read.authorization;
  return {
    protocol,
    payload: read.payload,
    payer: getAddress(from.toLowerCase()),
    payTo: getAddress(to.toLowerCase()),
    amount,
    nonce: nonce.toLowerCase() as Hex,
    validBefore,
    digest: hash("sha256", `${name}:${value}`, "hex"),
    ...(read.credential && { credential: read.credential }),
  };
}

interface Read {
  payload: Readonly<Record<string, unknown>>;
  authorization: ExactPayload["authorization"];
  credential?: MppCredential;
}

function readX402(value: string, protocol: "x402v1" | "x402v2"): Read | undefined {
  if (!BASE64.test(value)) return undefined;
  const payload = decodeJson(value);
  if (!isObject(payload) || payload["x402Version"] !== (protocol === "x402v1" ? 1 : 2))
    return undefined;
  if (protocol === "x402v2" && !isObject(payload["accepted"])) return undefined;
  const data = readExactPayload(payload["payload"]);
  return data && { payload, authorization: data.authorization };
}

/** As an x402 v2 payment, which is how facilitators read an EIP-3009 authorization; without the terms that it accepts. */
function readMpp(value: string): Read | undefined {
  const credential = readCredential(value.replace(PAYMENT_SCHEME, ""));
  if (!credential) return undefined;
  const { signature, ...authorization } = credential.payload;
  const data = readExactPayload({ signature, authorization });
  if (!data) return undefined;
  const { from, to, value: amount, validAfter, validBefore, nonce } = authorization;
  const fields = { from, to, value: amount, validAfter, validBefore, nonce };
  return {
    payload: { x402Version: 2, payload: { signature, authorization: fields } },
    authorization: data.authorization,
    credential,
  };
}
