/**
 * Several payments in one transaction, through Multicall3, which stands at one address on every public chain. Each call may fail
 * by itself and leaves the others as they are. The token does not mind who calls it: an authorization names both ends.
 */
import { type Address, type Hex, type PublicClient, toFunctionSelector } from "viem";
import { addressWord, bytesTail, uintWord } from "./words.ts";

const MULTICALL3: Address = "0xcA11bde05977b3631167028862bE2a173976CA11";

export interface ContractCall {
  readonly to: Address;
  readonly data: Hex;
}

const AGGREGATE3 = toFunctionSelector("aggregate3((address,bool,bytes)[])");

/** The calls as one, each of which may fail alone. */
export function encodeBatch(calls: readonly ContractCall[]): ContractCall {
  let offsets = "";
  let structs = "";
  for (const { to, data } of calls) {
    offsets += uintWord(32 * calls.length + structs.length / 2);
    // Target, that it may fail, where its data stands, and the data.
    structs += addressWord(to) + uintWord(1) + uintWord(96) + bytesTail(data);
  }
  const data: Hex = `${AGGREGATE3}${uintWord(32)}${uintWord(calls.length)}${offsets}${structs}`;
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
