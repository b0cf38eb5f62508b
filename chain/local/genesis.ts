/**
 * What a fresh local chain is given so that stock clients find what they expect of Base Sepolia: the token at USDC's address,
 * Multicall3 at its address on every chain, and a minter that nobody has the key of.
 */
import { type Address, getAddress, keccak256, slice, toHex } from "viem";
import type { Asset } from "../../protocol/asset.ts";
import token from "../artifacts/LocalUsdc.json" with { type: "json" };
import multicall from "../artifacts/Multicall3.json" with { type: "json" };
import type { RpcCall } from "./rpc.ts";

export const MULTICALL3: Address = "0xcA11bde05977b3631167028862bE2a173976CA11";

/** `LocalUsdc.MINTER`: derived from words, so it has no key, and only the chain's operator can impersonate it. */
export const MINTER: Address = getAddress(slice(keccak256(toHex("purser local minter")), 12));

/** Calls that change nothing where they were made before: a chain may have been killed before they were. */
export function placeContracts(asset: Asset): RpcCall[] {
  return [
    { method: "anvil_setCode", params: [asset.address, token.code] },
    { method: "anvil_setCode", params: [MULTICALL3, multicall.code] },
    { method: "anvil_setBalance", params: [MINTER, toHex(2n ** 120n)] },
  ];
}
