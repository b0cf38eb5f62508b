/**
 * May this offer be paid? A visible list of small checks, one per reason, in order; everything is denied that one of them does
 * not allow. The offer is a stranger's, the quote is ours, the facts about the token are from our own table.
 */
import { isAddressEqual } from "viem";
import { findAsset } from "../protocol/asset.ts";
import { formatDecimal } from "../protocol/money.ts";
import type { OfferTerms } from "../protocol/offer.ts";
import { PaymentError, type PaymentErrorCode } from "./payment-error.ts";
import type { Quote } from "./quote.ts";

export interface CheckedPolicy {
  /** Real money may move. Off unless somebody says so. */
  readonly mainnet?: boolean;
}

/**
 * For the naive calibration agent alone: recipient, price and resource are NOT checked. The wallet's ledger, caps and the
 * refusal of mainnets hold all the same.
 */
export const uncheckedPolicy = "off";

export type Policy = CheckedPolicy | typeof uncheckedPolicy;

/** The shortest window in which a settlement can be expected. */
const MIN_TIMEOUT_SECONDS = 10;

export interface OfferCheck {
  readonly code: PaymentErrorCode;
  /** True where even `uncheckedPolicy` keeps it, because we could not or must not sign otherwise. */
  readonly always: boolean;
  /** What is wrong, or undefined. */
  readonly findProblem: (
    offer: OfferTerms,
    quote: Quote,
    policy: CheckedPolicy,
  ) => string | undefined;
}

export const OFFER_CHECKS: readonly OfferCheck[] = [
  {
    code: "OFFER_SCHEME",
    always: true,
    findProblem({ scheme, raw }) {
      const { assetTransferMethod = "eip3009" } = (raw["extra"] ?? {}) as Record<string, unknown>;
      if (scheme === "exact" && assetTransferMethod === "eip3009") return undefined;
      return `It wants the scheme ${quoted(scheme)} by ${quoted(assetTransferMethod)}; we pay "exact" by EIP-3009.`;
    },
  },
  {
    code: "OFFER_NETWORK",
    always: true,
    findProblem({ network, asset }, { assets }) {
      if (assets.some((known) => known.network === network)) return undefined;
      if (findAsset(network, asset) === undefined)
        return `It is on ${quoted(network)}, unknown to us.`;
      return `It is on ${quoted(network)}, which the catalog does not name.`;
    },
  },
  {
    code: "OFFER_ASSET",
    always: true,
    findProblem({ network, asset }, { assets }) {
      const known = findAsset(network, asset);
      if (known && assets.includes(known)) return undefined;
      return `It wants the token ${asset}, which the catalog does not name.`;
    },
  },
  {
    code: "OFFER_MAINNET",
    always: true,
    findProblem({ network, asset }, _, { mainnet = false }) {
      if (mainnet || findAsset(network, asset)?.mainnet !== true) return undefined;
      return `It would move real money on ${quoted(network)}, and the wallet's policy does not allow that.`;
    },
  },
  {
    code: "OFFER_PRICE",
    always: true,
    findProblem({ amount }) {
      return amount > 0n ? undefined : "It asks for nothing, and nothing cannot be paid.";
    },
  },
  {
    code: "OFFER_PAYEE",
    always: false,
    findProblem({ payTo }, quote) {
      if (quote.payTo.some((known) => isAddressEqual(known, payTo))) return undefined;
      return `It would pay ${payTo}, and the catalog names ${quote.payTo.join(", ") || "nobody"}.`;
    },
  },
  {
    code: "OFFER_PRICE",
    always: false,
    findProblem({ amount, network, asset }, { maxAmount }) {
      if (amount <= maxAmount) return undefined;
      const decimals = findAsset(network, asset)?.decimals ?? 0;
      return `It asks for ${formatDecimal(amount, decimals)}, and the most that may be paid is ${formatDecimal(maxAmount, decimals)}.`;
    },
  },
  {
    code: "OFFER_RESOURCE",
    always: false,
    findProblem({ resource }, { request }) {
      if (resource !== undefined && isSameResource(resource, request.url)) return undefined;
      return `It sells ${quoted(resource ?? "nothing that it names")}, and we asked for ${request.url}.`;
    },
  },
  {
    code: "OFFER_EXPIRY",
    always: true,
    findProblem({ maxTimeoutSeconds }) {
      if (maxTimeoutSeconds >= MIN_TIMEOUT_SECONDS) return undefined;
      return `It must settle within ${maxTimeoutSeconds} seconds, which is too short to be sure of.`;
    },
  },
];

/** The first reason not to pay the offer, or undefined when it may be paid. */
export function checkOffer(
  offer: OfferTerms,
  quote: Quote,
  policy: Policy,
): PaymentError | undefined {
  const unchecked = policy === uncheckedPolicy;
  for (const { code, always, findProblem } of OFFER_CHECKS) {
    if (unchecked && !always) continue;
    const problem = findProblem(offer, quote, unchecked ? {} : policy);
    if (problem !== undefined) {
      return new PaymentError(code, {
        problem: `The provider's offer for ${quote.service} is refused. ${problem}`,
        nextStep: "Nothing was paid. Do not try to pay it another way; choose another provider.",
        details: { service: quote.service, provider: quote.provider },
      });
    }
  }
  return undefined;
}

/**
 * The stock v1 server leaves the query out, and one behind a TLS proxy says http for https; neither can lead the payment
 * elsewhere, because nothing is ever fetched from this URL.
 */
function isSameResource(resource: string, requested: string): boolean {
  const [named, wanted] = [URL.parse(resource), URL.parse(requested)];
  if (!named || !wanted) return false;
  const sameHost =
    named.origin === wanted.origin ||
    (named.protocol === "http:" && wanted.protocol === "https:" && named.host === wanted.host);
  const sameQuery = named.search === "" || named.search === wanted.search;
  return sameHost && named.pathname === wanted.pathname && sameQuery;
}

/** A stranger's word, short and on one line. */
function quoted(text: unknown): string {
  return JSON.stringify(String(text).slice(0, 200));
}
