/** How amounts, networks and addresses are written. */
import { getAddress } from "viem";
import { findAsset } from "../../protocol/asset.ts";
import type { OfferedTerms } from "../read/challenge.ts";
import { show } from "../read/json.ts";

/** No sign, point, exponent, blank, leading zero or digit of another script. */
export const DECIMAL_INTEGER = /^(0|[1-9][0-9]*)$/;

/** Version 1 has names: "base-sepolia". */
export const NETWORK_V1 = /^[a-z][a-z0-9-]{1,40}$/;

/** What an offer in a token that we know is worth, in millionths of a whole token. */
export function worthOf({ network, asset, amount }: OfferedTerms) {
  const known = findAsset(String(network), String(asset));
  if (!known || typeof amount !== "string" || !DECIMAL_INTEGER.test(amount)) return undefined;
  const micros = (BigInt(amount.slice(0, 60)) * 1_000_000n) / 10n ** BigInt(known.decimals);
  return { network: known.networkName, micros };
}

const SOLANA = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/;

/** What is wrong with an address of a network, or undefined; networks that we do not know are left alone. */
export function addressProblem(name: string, value: unknown, network: unknown): string | undefined {
  if (typeof value !== "string" || value === "") return `has ${show(value)} as ${name}`;
  // The specification allows a role, such as "merchant".
  if (name === "payTo" && /^[a-z]+$/.test(value)) return undefined;
  if (/^(eip155:|base|avalanche|polygon|sei|iotex|peaq|story|abstract)/.test(String(network))) {
    if (SOLANA.test(value) && !value.startsWith("0x"))
      return `has a Solana address as ${name} on ${show(network)}`;
    if (!/^0x[0-9a-fA-F]{40}$/.test(value)) return `has ${show(value)} as ${name}`;
    const mixed = /[a-f]/.test(value.slice(2)) && /[A-F]/.test(value.slice(2));
    if (mixed && getAddress(value.toLowerCase()) !== value)
      return `has ${show(value)} as ${name}, whose EIP-55 checksum is wrong`;
    return undefined;
  }
  if (String(network).startsWith("solana") && !SOLANA.test(value))
    return `has ${show(value)} as ${name} on ${show(network)}`;
  return undefined;
}
