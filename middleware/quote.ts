/**
 * A quote is what we are willing to pay for one request: it is computed from the catalog before the provider is asked, and an
 * offer is held against it. The model names a catalog entry and inputs; the URL, the price and the recipient come from here.
 */
import { getAddress, type Address } from "viem";
import { ASSETS, type Asset, findAsset } from "../protocol/asset.ts";
import { type Catalog, findService, priceOf } from "../protocol/catalog.ts";
import { parseDecimal } from "../protocol/money.ts";
import { buildRequest } from "../protocol/operation.ts";
import type { PaidRequest } from "./send-paid.ts";

export interface Quote {
  /** The provider's id in the catalog, which a cap is kept by; never a server's own word. */
  readonly provider: string;
  /** "provider/service". */
  readonly service: string;
  readonly request: PaidRequest;
  /** Atomic units, of each of the `assets`; 0n where the service is free, so that no offer for it is ever paid. */
  readonly maxAmount: bigint;
  readonly currency: "usd";
  /** The only recipients. */
  readonly payTo: readonly Address[];
  /** The only tokens: those that the provider accepts and that we know, all with the same decimals. */
  readonly assets: readonly Asset[];
}

export interface QuoteOptions {
  readonly catalog: Catalog;
  /** "provider/service". */
  readonly service: string;
  /** A key of the service's operations. */
  readonly operation: string;
  readonly inputs: Readonly<Record<string, string>>;
}

/** Computes the quote, or throws `SERVICE_UNKNOWN`, `OPERATION_UNKNOWN`, `INPUT_MISSING` or `PRICE_UNKNOWN`. */
export function quoteFor({ catalog, service: reference, operation, inputs }: QuoteOptions): Quote {
  const { provider, service } = findService(catalog, reference);
  const request = buildRequest({ provider, service, operation, inputs });
  const price = priceOf(service, inputs);
  const { pay_to, assets } = provider.profile.payment;
  const known = assets.flatMap(({ network, address }) => findAsset(network, address) ?? []);
  const decimals = known[0]?.decimals ?? ASSETS[0]!.decimals;
  return {
    provider: provider.profile.id,
    service: reference,
    request,
    maxAmount: price === null ? 0n : parseDecimal(price.amount, decimals),
    currency: "usd",
    payTo: pay_to.map((address) => getAddress(address.toLowerCase())),
    assets: known.filter((asset) => asset.decimals === decimals),
  };
}
