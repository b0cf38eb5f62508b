/**
 * What a local chain is given so that stock clients find what they expect of Base Sepolia: the token at USDC's address,
 * Multicall3 at its address on every chain, and a minter that nobody has the key of.
 */
import {
  type Address,
  encodeFunctionData,
  getAddress,
  keccak256,
  parseAbi,
  slice,
  toHex,
} from "viem";
import type { Asset } from "../../protocol/asset.ts";
import token from "../artifacts/LocalUsdc.json" with { type: "json" };
import multicall from "../artifacts/Multicall3.json" with { type: "json" };
import { ChainError } from "../error.ts";
import type { RpcCall } from "./rpc.ts";

const MULTICALL3: Address = "0xcA11bde05977b3631167028862bE2a173976CA11";

/** `LocalUsdc.MINTER`: derived from words, so it has no key, and only the chain's operator can impersonate it. */
const MINTER: Address = getAddress(slice(keccak256(toHex("purser local minter")), 12));
const MINT = parseAbi(["function mint(address to, uint256 value) returns (bool)"]);

/** Calls that change nothing where they were made before: a chain may have been killed before they were. */
export function placeContracts(asset: Asset): RpcCall[] {
  return [
    { method: "anvil_setCode", params: [asset.address, token.code] },
    { method: "anvil_setCode", params: [MULTICALL3, multicall.code] },
    { method: "anvil_impersonateAccount", params: [MINTER] },
    { method: "anvil_setBalance", params: [MINTER, toHex(2n ** 120n)] },
  ];
}

export interface Funding {
  asset: Asset;
  address: Address;
  usdc?: bigint;
  ether?: bigint;
}

/** Transactions of the minter; each answers with its receipt. */
export function fundingCalls({ asset, address, usdc = 0n, ether = 0n }: Funding): RpcCall[] {
  const calls: RpcCall[] = [];
  if (ether > 0n) calls.push(fromMinter({ to: address, value: toHex(ether) }));
  if (usdc > 0n) {
    const data = encodeFunctionData({ abi: MINT, functionName: "mint", args: [address, usdc] });
    calls.push(fromMinter({ to: asset.address, data }));
  }
  return calls;
}

function fromMinter(transaction: Readonly<Record<string, string>>): RpcCall {
  const sent = { from: MINTER, gas: toHex(200_000), ...transaction };
  return { method: "eth_sendTransactionSync", params: [sent] };
}

/** A funding transaction that reverts is our own mistake, and must not pass for money. */
export function requireSuccess(receipt: unknown): void {
  if ((receipt as { status?: string } | null)?.status === "0x1") return;
  throw new ChainError("CHAIN_UNREACHABLE", {
    problem: "The local chain did not carry out a funding transaction.",
    nextStep: "Check the address: a contract may refuse ether.",
  });
}
