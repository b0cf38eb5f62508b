/**
 * What a quote asks for, in the words of x402 v1, x402 v2 and MPP: in the 402 answer, and beside the payment at the facilitator.
 * The words are those that the stock servers use, so that a payment made from our challenge matches theirs field by field.
 */
import type { Asset } from "../../protocol/asset.ts";
import type { PaywallQuote } from "./door.ts";

export interface AskedRequest {
  readonly method: string;
  /** The public URL. */
  readonly resource: string;
  readonly maxTimeoutSeconds: number;
  /** x402 v2's word for money that moves before the work (specification v2, 6.1). */
  readonly paymentFlow?: "upfront" | undefined;
}

export type Terms = Pick<PaywallQuote<unknown>, "amount" | "asset" | "payTo" | "description">;

export const MIME_TYPE = "application/json";

export function requirementsV1(
  terms: Terms,
  { method, resource, maxTimeoutSeconds }: AskedRequest,
) {
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

export function requirementsV2(
  { amount, asset, payTo }: Terms,
  { maxTimeoutSeconds, paymentFlow }: AskedRequest,
) {
  return {
    scheme: "exact",
    network: asset.network,
    amount: amount.toString(),
    asset: asset.address,
    payTo,
    maxTimeoutSeconds,
    extra: { ...domainOf(asset), ...(paymentFlow && { paymentFlow }) },
  };
}

/** The `request` of an MPP challenge with method `evm` and intent `charge`; the keys in the order that JCS gives them. */
export function chargeRequest({ amount, asset, payTo }: Terms) {
  const { chainId, decimals } = asset;
  return {
    amount: amount.toString(),
    currency: asset.address,
    methodDetails: { chainId, credentialTypes: ["authorization"], decimals },
    recipient: payTo,
  };
}

function domainOf({ eip712: { name, version } }: Asset) {
  return { name, version };
}
