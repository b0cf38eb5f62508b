/** Test money on a local chain, from a minter that nobody has the key of: anvil lets its operator send in its name. */
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
import { ChainError } from "../error.ts";
import { callRpc } from "./rpc.ts";

/** `LocalUsdc.MINTER`: derived from words, so it has no key. */
export const MINTER: Address = getAddress(slice(keccak256(toHex("purser local minter")), 12));
const MINT = parseAbi(["function mint(address to, uint256 value) returns (bool)"]);

export interface FundOptions {
  /** Of a local chain, which may run in another process; any other chain refuses. */
  rpcUrl: string;
  asset: Asset;
  address: Address;
  /** Atomic units. */
  usdc?: bigint | undefined;
  /** Wei. */
  ether?: bigint | undefined;
}

/** anvil may give two senders at once the same nonce, and takes one of them. */
const NONCE_TAKEN = /underpriced|already imported|nonce too low/i;
const ATTEMPTS = 10;

/** Gives an address test money; throws `CHAIN_UNREACHABLE`. */
export async function fundAddress(options: FundOptions): Promise<void> {
  const { rpcUrl, asset, address, usdc = 0n, ether = 0n } = options;
  if (ether > 0n) await sendFromMinter(rpcUrl, { to: address, value: toHex(ether) });
  if (usdc === 0n) return;
  const data = encodeFunctionData({ abi: MINT, functionName: "mint", args: [address, usdc] });
  await sendFromMinter(rpcUrl, { to: asset.address, data });
}

async function sendFromMinter(rpcUrl: string, transaction: Readonly<Record<string, string>>) {
  const params = [{ from: MINTER, gas: toHex(200_000), ...transaction }];
  for (let attempt = 1; ; attempt++) {
    try {
      const [receipt] = await callRpc(rpcUrl, [{ method: "eth_sendTransactionSync", params }]);
      requireSuccess(receipt);
      return;
    } catch (error) {
      const taken = error instanceof ChainError && NONCE_TAKEN.test(error.problem);
      if (!taken || attempt === ATTEMPTS) throw error;
    }
  }
}

/** A funding transaction that reverts must not pass for money. */
function requireSuccess(receipt: unknown): void {
  if ((receipt as { status?: string } | null)?.status === "0x1") return;
  throw new ChainError("CHAIN_UNREACHABLE", {
    problem: "The local chain did not carry out a funding transaction.",
    nextStep: "Check the address: a contract may refuse ether.",
  });
}
