/**
 * A token on a network that our own table does not have, read from the token itself. Its own domain separator says whether it signs as
 * EIP-3009 tokens do: a token that keeps another domain could be asked for, and never be paid.
 */
import {
  type Address,
  createPublicClient,
  domainSeparator,
  getAddress,
  http,
  parseAbi,
} from "viem";
import { reading } from "../chain/index.ts";
import { type Asset, ASSETS } from "../protocol/asset.ts";
import { FacilitatorError } from "./network.ts";
import { isTransportError } from "./transport-error.ts";
import { V1_NETWORKS } from "./v1-networks.ts";

export interface ReadAssetOptions {
  rpcUrl: string;
  /** CAIP-2 id of an EVM network, such as "eip155:137", or its name in x402 v1, such as "polygon". */
  network: string;
  /** The token; may be left out where our own table has one on this network. */
  address?: Address | undefined;
}

const ABI = parseAbi([
  "function name() view returns (string)",
  "function version() view returns (string)",
  "function symbol() view returns (string)",
  "function decimals() view returns (uint8)",
  "function DOMAIN_SEPARATOR() view returns (bytes32)",
]);

/**
 * The asset; on a network that our table does not have, it counts as real money. Throws `NETWORK_UNKNOWN`, `ASSET_UNSUPPORTED` for a token
 * without EIP-3009's domain, or `CHAIN_UNREACHABLE`.
 */
export async function readAsset({ rpcUrl, network, address }: ReadAssetOptions): Promise<Asset> {
  const { caip2, chainId, name: networkName } = readNetworkId(network);
  const known = ASSETS.find((asset) => {
    const isSame = address === undefined || asset.address.toLowerCase() === address.toLowerCase();
    return asset.network === caip2 && isSame;
  });
  if (known) return known;
  if (address === undefined) {
    throw new FacilitatorError("NETWORK_UNKNOWN", {
      problem: `We know no token on ${caip2}.`,
      nextStep: "Give the address of its EIP-3009 token, such as Circle's USDC there.",
      details: { network: caip2 },
    });
  }
  const token = getAddress(address.toLowerCase());
  const client = createPublicClient({ transport: http(rpcUrl, { retryCount: 1 }) });
  const call = <Name extends (typeof ABI)[number]["name"]>(functionName: Name) =>
    client.readContract({ address: token, abi: ABI, functionName });
  const facts = await Promise.all([
    call("name"),
    call("version"),
    call("symbol"),
    call("decimals"),
    call("DOMAIN_SEPARATOR"),
  ]).catch((error: unknown) => {
    if (isTransportError(error)) return reading("the token", Promise.reject(error));
    return undefined;
  });
  const [name, version, symbol, decimals, separator] = facts ?? [];
  const eip712 = { name: String(name), version: String(version) };
  const domain = { ...eip712, chainId, verifyingContract: token };
  if (!facts || domainSeparator({ domain }) !== separator) {
    throw new FacilitatorError("ASSET_UNSUPPORTED", {
      problem: `${token} on ${caip2} is no token that takes EIP-3009 authorizations.`,
      nextStep: "Give the address of one that does, such as Circle's USDC on this network.",
      details: { network: caip2, asset: token },
    });
  }
  return {
    network: caip2,
    networkName,
    chainId,
    address: token,
    symbol: String(symbol),
    decimals: Number(decimals),
    eip712,
    currency: "usd",
    mainnet: ASSETS.find(({ network }) => network === caip2)?.mainnet ?? true,
  };
}

/** A network without a name in x402 v1 has its CAIP-2 id in its place, and is not offered there. */
function readNetworkId(network: string): { caip2: string; chainId: number; name: string } {
  const named = V1_NETWORKS[network];
  const [, digits] = /^eip155:([1-9]\d{0,14})$/.exec(network) ?? [];
  const chainId = named ?? (digits === undefined ? undefined : Number(digits));
  if (chainId === undefined) {
    throw new FacilitatorError("NETWORK_UNKNOWN", {
      problem: `"${network.slice(0, 64)}" is no EVM network's id.`,
      nextStep: 'Write its CAIP-2 id, such as "eip155:84532", or its x402 v1 name, such as "base".',
    });
  }
  const caip2 = `eip155:${chainId}`;
  const [name = caip2] = Object.entries(V1_NETWORKS).find(([, id]) => id === chainId) ?? [];
  return { caip2, chainId, name };
}
