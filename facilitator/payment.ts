/**
 * A payment as it comes to `/verify` and `/settle`: what the payer signed beside what the seller asks, in x402 v1 or v2. Two
 * strangers wrote it, so it is read once, here, strictly, and the same afterwards for both versions.
 */
import type { Hex } from "viem";
import { getAddress } from "../protocol/address.ts";
import type { Asset } from "../protocol/asset.ts";
import { type Authorization, readExactPayload } from "../protocol/authorization.ts";
import { isObject } from "../protocol/is-object.ts";
import { type Offer, readOffer } from "../protocol/offer.ts";
import { Refusal } from "./refusal.ts";

export interface Payment {
  readonly x402Version: 1 | 2;
  readonly authorization: Authorization;
  readonly signature: Hex;
  /** What the seller asks. */
  readonly offer: Offer;
  /** The network in the seller's own words, to answer with. */
  readonly network: string;
}

/** What a settlement is known by: the chain lets each payer use a nonce once. */
export function settlementKey({ authorization: { from, nonce } }: Pick<Payment, "authorization">) {
  return `${from} ${nonce.toLowerCase()}`;
}

/** Whether two payments by the same payer and nonce are the same words with the same signature. */
export function isSamePayment(
  { authorization: a, signature }: Pick<Payment, "authorization" | "signature">,
  { authorization: b, signature: other }: Pick<Payment, "authorization" | "signature">,
): boolean {
  const sameMoney = a.to === b.to && a.value === b.value && signature === other;
  return sameMoney && a.validAfter === b.validAfter && a.validBefore === b.validBefore;
}

/** What comes to `/verify` and `/settle`: neither seller nor payer is trusted with its shape. */
export interface PaymentRequest {
  /** What the envelope says; where it says nothing, the payment's own counts. */
  readonly x402Version?: unknown;
  readonly paymentPayload: unknown;
  readonly paymentRequirements: unknown;
}

interface Request {
  readonly x402Version: unknown;
  readonly paymentPayload: Readonly<Record<string, unknown>>;
  readonly paymentRequirements: Readonly<Record<string, unknown>>;
  /** Of the requirements. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** Reads a request's body for this asset, or throws the `Refusal` that names what is wrong. */
export function readPayment(from: PaymentRequest, asset: Asset): Payment {
  const request = readRequest(from);
  if (!request) throw new Refusal("invalid_payload");
  const x402Version = readVersion(request);
  const { scheme, network } = request.paymentRequirements;
  if (scheme !== "exact") throw new Refusal("unsupported_scheme");
  const knownNetwork = x402Version === 1 ? asset.networkName : asset.network;
  if (network !== knownNetwork) throw new Refusal("invalid_network");
  const { assetTransferMethod = "eip3009", name, version } = request.extra;
  if (assetTransferMethod !== "eip3009") throw new Refusal("unsupported_payload_type");
  if (name !== undefined && name !== asset.eip712.name) {
    throw new Refusal("invalid_exact_evm_token_name_mismatch");
  }
  if (version !== undefined && version !== asset.eip712.version) {
    throw new Refusal("invalid_exact_evm_token_version_mismatch");
  }
  const offer = readRequirements(x402Version, request.paymentRequirements);
  if (offer.asset.toLowerCase() !== asset.address.toLowerCase()) {
    throw new Refusal("invalid_payment_requirements");
  }
  requireSameTerms(request, offer);
  return { x402Version, ...readPayload(request.paymentPayload["payload"]), offer, network };
}

/** What can be said of its shape before its version is known: these names are there, whatever they hold. */
function readRequest(from: unknown): Request | undefined {
  if (!names(from, ["x402Version", "paymentPayload", "paymentRequirements"])) return undefined;
  const { x402Version, paymentPayload, paymentRequirements } = from;
  if (!names(paymentPayload, ["x402Version", "payload"])) return undefined;
  if (!names(paymentRequirements, ["scheme", "network"])) return undefined;
  const extra = paymentRequirements["extra"] ?? {};
  return isObject(extra) ? { x402Version, paymentPayload, paymentRequirements, extra } : undefined;
}

function names(value: unknown, wanted: readonly string[]): value is Record<string, unknown> {
  return isObject(value) && wanted.every((name) => name in value);
}

function readVersion(request: Request): 1 | 2 {
  const version = request.paymentPayload["x402Version"];
  const agreed = request.x402Version === undefined || request.x402Version === version;
  if (agreed && (version === 1 || version === 2)) return version;
  throw new Refusal("invalid_x402_version");
}

function readRequirements(x402Version: 1 | 2, raw: unknown): Offer {
  try {
    return readOffer({ x402Version, raw });
  } catch {
    throw new Refusal("invalid_payment_requirements");
  }
}

/** The payer names the terms that it accepts: v1 scheme and network, v2 the whole entry. They must be those asked. */
function requireSameTerms({ paymentPayload }: Request, asked: Offer): void {
  if (asked.x402Version === 1) {
    if (paymentPayload["scheme"] !== "exact") throw new Refusal("invalid_scheme");
    if (paymentPayload["network"] !== asked.raw["network"]) throw new Refusal("invalid_network");
    return;
  }
  const accepted = readRequirements(2, paymentPayload["accepted"]);
  if (accepted.scheme !== "exact") throw new Refusal("invalid_scheme");
  if (accepted.network !== asked.network) throw new Refusal("invalid_network");
  if (accepted.payTo !== asked.payTo) {
    throw new Refusal("invalid_exact_evm_payload_recipient_mismatch");
  }
  if (accepted.amount !== asked.amount) {
    throw new Refusal("invalid_exact_evm_payload_authorization_value_mismatch");
  }
  if (accepted.asset !== asked.asset) throw new Refusal("invalid_payment_requirements");
}

function readPayload(payload: unknown): Pick<Payment, "authorization" | "signature"> {
  const isPermit2 =
    typeof payload === "object" && payload !== null && "permit2Authorization" in payload;
  if (isPermit2) throw new Refusal("unsupported_payload_type");
  const data = readExactPayload(payload);
  if (!data) throw new Refusal("invalid_payload");
  const { from, to, nonce, ...amounts } = data.authorization;
  const address = (text: string) => getAddress(text.toLowerCase());
  return {
    authorization: { from: address(from), to: address(to), nonce, ...amounts },
    signature: data.signature,
  };
}

/** The network that a request names, to answer with also when nothing else of it can be read. */
export function readNetwork(body: unknown): string | undefined {
  const network = readRequest(body)?.paymentRequirements["network"];
  return typeof network === "string" ? network.slice(0, 64) : undefined;
}
