/** What a shop asks for, in no protocol's words, and the 402 that asks for it in each: right, or wrong in any way that a case wants. */
import { randomBytes } from "node:crypto";
import type { Asset } from "../../protocol/asset.ts";
import { encodeJson } from "../../protocol/offer.ts";
import type { Profile } from "../case.ts";

export interface Terms {
  readonly scheme: string;
  /** CAIP-2, and the name in x402 v1. */
  readonly network: string;
  readonly networkName: string;
  readonly chainId: number;
  /** Atomic units, as it is written. */
  readonly amount: string;
  readonly asset: string;
  readonly decimals: number;
  readonly domain: { readonly name: string; readonly version: string };
  /** x402: another way to move the money than EIP-3009, such as "permit2". */
  readonly transferMethod?: string;
  readonly payTo: string;
  /** How long the payment is to be valid. */
  readonly seconds: number;
  /** The URL that it sells. */
  readonly resource: string;
}

export interface Asking {
  readonly terms: readonly Terms[];
  /** Words for whoever reads the refusal, such as an agent. */
  readonly message?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function termsOf(asset: Asset, payTo: string, amount: bigint, resource: string): Terms {
  const { network, networkName, chainId, address, decimals, eip712 } = asset;
  return {
    scheme: "exact",
    network,
    networkName,
    chainId,
    amount: String(amount),
    asset: address,
    decimals,
    domain: eip712,
    payTo,
    seconds: 60,
    resource,
  };
}

const JSON_TYPE = { "Content-Type": "application/json", "Cache-Control": "no-store" } as const;
const DESCRIPTION = "One weather report";

/** The 402. */
export const ASK: Readonly<Record<Profile, (asking: Asking) => Answer>> = {
  "x402-v2": ({ terms, message }) => {
    const challenge = {
      x402Version: 2,
      error: message ?? "PAYMENT-SIGNATURE header is required",
      resource: {
        url: terms[0]?.resource ?? "",
        description: message ?? DESCRIPTION,
        mimeType: "application/json",
      },
      accepts: terms.map(
        ({ scheme, network, amount, asset, payTo, seconds, domain, transferMethod }) => ({
          scheme,
          network,
          amount,
          asset,
          payTo,
          maxTimeoutSeconds: seconds,
          extra:
            transferMethod === undefined
              ? domain
              : { ...domain, assetTransferMethod: transferMethod },
        }),
      ),
    };
    const body = message === undefined ? "{}" : JSON.stringify({ error: message });
    return {
      status: 402,
      headers: { ...JSON_TYPE, "PAYMENT-REQUIRED": encodeJson(challenge) },
      body,
    };
  },
  "x402-v1": ({ terms, message }) => {
    const accepts = terms.map((each) => ({
      scheme: each.scheme,
      network: each.networkName,
      maxAmountRequired: each.amount,
      resource: each.resource,
      description: message ?? DESCRIPTION,
      mimeType: "application/json",
      payTo: each.payTo,
      maxTimeoutSeconds: each.seconds,
      asset: each.asset,
      extra: { ...each.domain },
    }));
    const error = message ?? "X-PAYMENT header is required";
    const body = JSON.stringify({ x402Version: 1, error, accepts });
    return { status: 402, headers: JSON_TYPE, body };
  },
  mpp: ({ terms, message }) => ({
    status: 402,
    headers: { ...JSON_TYPE, "WWW-Authenticate": terms.map(mppChallenge).join(", ") },
    body: JSON.stringify({
      type: "https://paymentauth.org/problems/payment-required",
      detail: message ?? DESCRIPTION,
    }),
  }),
};

/** Each has an id of its own: the id becomes the payment's nonce. */
function mppChallenge({ amount, asset, payTo, chainId, decimals, seconds, resource }: Terms) {
  const request = {
    amount,
    currency: asset,
    methodDetails: { chainId, credentialTypes: ["authorization"], decimals },
    recipient: payTo,
  };
  const params = {
    id: randomBytes(16).toString("base64url"),
    realm: new URL(resource).host,
    method: "evm",
    intent: "charge",
    request: Buffer.from(JSON.stringify(request)).toString("base64url"),
    expires: new Date(Date.now() + seconds * 1000).toISOString(),
  };
  return `Payment ${Object.entries(params)
    .map(([name, value]) => `${name}="${value}"`)
    .join(", ")}`;
}

export interface SettlementClaim {
  readonly success: boolean;
  /** Empty where none is named. */
  readonly transaction: string;
  readonly payer: string;
  readonly errorReason?: string;
}

/** The header that says what came of the settlement; MPP has none for a failure. */
export const CLAIM: Readonly<
  Record<Profile, (claim: SettlementClaim, asset: Asset) => Readonly<Record<string, string>>>
> = {
  "x402-v2": (claim, { network }) => ({ "PAYMENT-RESPONSE": encodeJson({ ...claim, network }) }),
  "x402-v1": (claim, { networkName }) => ({
    "X-PAYMENT-RESPONSE": encodeJson({ ...claim, network: networkName }),
  }),
  mpp: ({ success, transaction }) =>
    success
      ? {
          "Payment-Receipt": Buffer.from(
            JSON.stringify({
              status: "success",
              method: "evm",
              reference: transaction,
              timestamp: new Date().toISOString(),
            }),
          ).toString("base64url"),
        }
      : {},
};
