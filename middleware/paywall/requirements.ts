/**
 * What a quote asks for, in the words of x402 v1 and v2: in the 402 answer, and beside the payment at the facilitator. The words
 * are those that the stock servers use, so that a payment made from our challenge matches theirs field by field.
 */
import type { Asset } from "../../protocol/asset.ts";
import { encodeJson, type X402Version } from "../../protocol/offer.ts";
import type { PaywallQuote } from "../quoted-paywall.ts";

export interface AskedRequest {
  readonly method: string;
  /** The public URL. */
  readonly resource: string;
  readonly maxTimeoutSeconds: number;
}

export type Terms = Pick<PaywallQuote<unknown>, "amount" | "asset" | "payTo" | "description">;

/** The requirements that a payment of this version must meet. */
export function requirementsFor(x402Version: X402Version, terms: Terms, asked: AskedRequest) {
  return x402Version === 1 ? requirementsV1(terms, asked) : requirementsV2(terms, asked);
}

/** A 402 that a buyer of either version can read: v1 in the body, v2 in the header. */
export function challengeFor(terms: Terms, asked: AskedRequest, { v1, error }: ChallengeOptions) {
  const { resource } = asked;
  const v2 = {
    x402Version: 2,
    error,
    resource: { url: resource, description: terms.description, mimeType: MIME_TYPE },
    accepts: [requirementsV2(terms, asked)],
  };
  const accepts = v1 ? [requirementsV1(terms, asked)] : [];
  return { header: encodeJson(v2), body: { x402Version: 1, error, accepts } };
}

export interface ChallengeOptions {
  /** Whether v1 payments can be taken. */
  v1: boolean;
  error: string;
}

export const MIME_TYPE = "application/json";

function requirementsV1(terms: Terms, { method, resource, maxTimeoutSeconds }: AskedRequest) {
  const { amount, asset, payTo, description } = terms;
  return {
    scheme: "exact",
    network: asset.networkName,
    maxAmountRequired: amount.toString(),
    resource,
    description,
    mimeType: MIME_TYPE,
    payTo,
    maxTimeoutSeconds,
    asset: asset.address,
    outputSchema: { input: { type: "http", method, discoverable: true } },
    extra: domainOf(asset),
  };
}

function requirementsV2({ amount, asset, payTo }: Terms, { maxTimeoutSeconds }: AskedRequest) {
  return {
    scheme: "exact",
    network: asset.network,
    amount: amount.toString(),
    asset: asset.address,
    payTo,
    maxTimeoutSeconds,
    extra: domainOf(asset),
  };
}

function domainOf({ eip712: { name, version } }: Asset) {
  return { name, version };
}
