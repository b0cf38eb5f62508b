/**
 * Solidity's ABI, as far as the hot calls need it, in text: each word is 64 hexadecimal digits. viem's encoder reads the types
 * anew for each call, which costs more than all else that is done to a payment; tests compare the two.
 */
import type { Address, Hex } from "viem";

export function uintWord(value: bigint | number): string {
  return value.toString(16).padStart(64, "0");
}

export function addressWord(address: Address): string {
  return address.slice(2).padStart(64, "0");
}

/** What dynamic bytes are where their offset points: their length, and themselves in whole words. */
export function bytesTail(bytes: Hex): string {
  const digits = bytes.length - 2;
  return uintWord(digits / 2) + bytes.slice(2).padEnd(Math.ceil(digits / 64) * 64, "0");
}
