/**
 * What a local chain is given so that stock clients find what they expect of Base Sepolia: the token at USDC's address,
 * Multicall3 at its address on every chain, and a minter that nobody has the key of.
 */
import { type Address, toHex } from "viem";
import type { Asset } from "../../protocol/asset.ts";
import token from "../artifacts/LocalUsdc.json" with { type: "json" };
import multicall from "../artifacts/Multicall3.json" with { type: "json" };
import { MINTER } from "./funding.ts";
import type { RpcCall } from "./rpc.ts";

const MULTICALL3: Address = "0xcA11bde05977b3631167028862bE2a173976CA11";

/** Calls that change nothing where they were made before: a chain may have been killed before they were. */
export function placeContracts(asset: Asset): RpcCall[] {
  return [
    { method: "anvil_setCode", params: [asset.address, token.code] },
    { method: "anvil_setCode", params: [MULTICALL3, multicall.code] },
    { method: "anvil_impersonateAccount", params: [MINTER] },
    { method: "anvil_setBalance", params: [MINTER, toHex(2n ** 120n)] },
  ];
}
