/**
 * Several payments in one transaction, through Multicall3, which stands at one address on every public chain. Each call may fail
 * by itself and leaves the others as they are. The token does not mind who calls it: an authorization names both ends.
 */
import { type Address, encodeFunctionData, type Hex, multicall3Abi, type PublicClient } from "viem";

const MULTICALL3: Address = "0xcA11bde05977b3631167028862bE2a173976CA11";

export interface ContractCall {
  readonly to: Address;
  readonly data: Hex;
}

/** The calls as one, each of which may fail alone. */
export function encodeBatch(calls: readonly ContractCall[]): ContractCall {
  const args = calls.map(({ to, data }) => ({ target: to, allowFailure: true, callData: data }));
  const data = encodeFunctionData({
    abi: multicall3Abi,
    functionName: "aggregate3",
    args: [args],
  });
  return { to: MULTICALL3, data };
}

/** Whether this chain has it: asked when it first matters, and again where the chain did not answer. */
export function multicallCheck(client: PublicClient): () => Promise<boolean> {
  let known: Promise<boolean> | undefined;
  return () => {
    known ??= client.getCode({ address: MULTICALL3 }).then(
      (code) => code !== undefined && code !== "0x",
      (error: unknown) => {
        known = undefined;
        throw error;
      },
    );
    return known;
  };
}
