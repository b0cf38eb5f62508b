/**
 * The tokens that payments are made in. Decimals and the EIP-712 domain come from this table and never from a server's
 * words, so that a challenge cannot make us sign for another token or misread a unit.
 */
import type { Address } from "viem";

export interface Asset {
  /** CAIP-2 id, such as "eip155:84532". */
  readonly network: string;
  /** The network's name in x402 v1. */
  readonly networkName: string;
  readonly chainId: number;
  readonly address: Address;
  readonly symbol: string;
  readonly decimals: number;
  /** EIP-712 domain name and version, without which the token refuses the signature. */
  readonly eip712: { readonly name: string; readonly version: string };
  /** The currency that one whole token is worth one of; only such a token may pay a price in that currency. */
  readonly currency: "usd";
  /** True where real money moves. */
  readonly mainnet: boolean;
}

export const BASE_SEPOLIA_USDC: Asset = {
  network: "eip155:84532",
  networkName: "base-sepolia",
  chainId: 84_532,
  address: "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
  symbol: "USDC",
  decimals: 6,
  eip712: { name: "USDC", version: "2" },
  currency: "usd",
  mainnet: false,
};

export const BASE_USDC: Asset = {
  network: "eip155:8453",
  networkName: "base",
  chainId: 8453,
  address: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
  symbol: "USDC",
  decimals: 6,
  eip712: { name: "USD Coin", version: "2" },
  currency: "usd",
  mainnet: true,
};

export const ASSETS: readonly Asset[] = [BASE_SEPOLIA_USDC, BASE_USDC];

/** The human's own, beside the table. */
const added: Asset[] = [];

/**
 * Makes a token of the human's own known, for as long as the program runs: the one thing here that changes. It is for the program
 * that reads the human's configuration, before it reads anything of a server's. A token that is known already stays as it is.
 */
export function addAsset(asset: Asset): void {
  if (!findAsset(asset.network, asset.address)) added.push(asset);
}

/** The asset at an address on a network (CAIP-2 id or x402 v1 name), or undefined when we do not know it. */
export function findAsset(network: string, address: string): Asset | undefined {
  return [...ASSETS, ...added].find(
    (asset) =>
      (asset.network === network || asset.networkName === network) &&
      asset.address.toLowerCase() === address.toLowerCase(),
  );
}
