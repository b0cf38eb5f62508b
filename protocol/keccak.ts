/**
 * Keccak-256 in WebAssembly, several times as fast as in JavaScript, which has no 64-bit words. A transaction with a hundred
 * payments is hashed twice before it leaves, and that was a fifth of a facilitator's work. viem's is the tests' oracle.
 */
import type { Hex } from "viem";
import { KECCAK, keccakModule } from "./keccak-module.ts";

const { rate, stateAt, inputAt, mostBlocks } = KECCAK;

let loaded: ReturnType<typeof keccakModule> | undefined;

/** The hash as hexadecimal text. */
export function keccak256(input: Uint8Array): Hex {
  const { bytes, absorb } = (loaded ??= keccakModule());
  bytes.fill(0, stateAt, stateAt + 200);
  let at = 0;
  for (let left = Math.floor(input.length / rate); left > 0;) {
    const blocks = Math.min(left, mostBlocks);
    bytes.set(input.subarray(at, at + blocks * rate), inputAt);
    absorb(blocks);
    at += blocks * rate;
    left -= blocks;
  }
  // The last block is what is left, Keccak's own padding, and zeros between.
  const rest = input.subarray(at);
  bytes.fill(0, inputAt, inputAt + rate);
  bytes.set(rest, inputAt);
  bytes[inputAt + rest.length] = 0x01;
  bytes[inputAt + rate - 1]! |= 0x80;
  absorb(1);
  return `0x${bytes.toString("hex", stateAt, stateAt + 32)}`;
}
