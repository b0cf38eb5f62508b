/**
 * What a signer does not sign, as a list of small checks that need nothing but the intent, the signer's own settings and its own
 * clock. What it has signed before is the counter's business.
 */
import type { Address } from "viem";
import type { Asset } from "../../protocol/asset.ts";
import type { SignerLimits, SignIntent } from "./intent.ts";

export type SignerRule =
  | "INTENT"
  | "PAYER"
  | "ASSET"
  | "PAYEE"
  | "AMOUNT"
  | "WINDOW"
  | "CALL_LIMIT"
  | "PROVIDER_LIMIT"
  | "WALLET_LIMIT"
  | "NONCE"
  | "COUNTER";

export interface SignerSettings {
  /** The one token that it signs for, from our own table or the human's. */
  readonly asset: Asset;
  readonly address: Address;
  readonly limits: SignerLimits;
}

/** How far the clocks of signer, wallet and chain may lie apart. */
const CLOCK_SKEW_SECONDS = 30;

interface StaticRule {
  readonly rule: SignerRule;
  readonly breaks: (intent: SignIntent, settings: SignerSettings, nowSeconds: number) => boolean;
}

const RULES: readonly StaticRule[] = [
  {
    rule: "PAYER",
    breaks: ({ authorization }, { address }) => !isSame(authorization.from, address),
  },
  {
    rule: "ASSET",
    breaks: ({ offer }, { asset }) =>
      offer.network !== asset.network || !isSame(offer.asset, asset.address),
  },
  {
    rule: "PAYEE",
    breaks: ({ quote, offer, authorization }) =>
      !isSame(authorization.to, offer.payTo) ||
      !quote.payTo.some((payee) => isSame(payee, offer.payTo)),
  },
  {
    rule: "AMOUNT",
    breaks: ({ quote, offer, authorization }) =>
      authorization.value <= 0n ||
      authorization.value !== offer.amount ||
      offer.amount > quote.maxAmount,
  },
  {
    rule: "WINDOW",
    breaks: ({ authorization }, { limits }, now) =>
      authorization.validBefore > BigInt(now + limits.maxWindowSeconds + CLOCK_SKEW_SECONDS),
  },
  {
    rule: "CALL_LIMIT",
    breaks: ({ authorization }, { limits }) => authorization.value > limits.maxPerCall,
  },
];

/** The first rule that an intent breaks, or undefined. */
export function findBrokenRule(
  intent: SignIntent,
  settings: SignerSettings,
  nowSeconds: number,
): SignerRule | undefined {
  return RULES.find(({ breaks }) => breaks(intent, settings, nowSeconds))?.rule;
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
