/**
 * An Ethereum address in its usual form, whose upper-case letters are a check over it (EIP-55). Made here and not by viem, because
 * viem loads 400 modules for it, and most programs that meet an address never ask a chain. viem's is the tests' oracle.
 */
import type { Address } from "viem";
import { keccak256 } from "./keccak.ts";

/** A payment names the same few addresses some ten times; strangers can name any number. */
const MOST_KEPT = 1_000;
const kept = new Map<string, Address>();

/** Of 0x and 40 hexadecimal digits in any case; anything else is a mistake of the caller's. */
export function getAddress(text: string): Address {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const address = checksummed(text);
  if (kept.size === MOST_KEPT) kept.clear();
  kept.set(text, address);
  return address;
}

function checksummed(text: string): Address {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) throw new TypeError("not an address");
  const digits = text.slice(2).toLowerCase();
  const check = keccak256(Buffer.from(digits)).slice(2);
  const cased = Array.from(digits, (digit, at) =>
    check.charAt(at) >= "8" ? digit.toUpperCase() : digit,
  );
  return `0x${cased.join("")}`;
}
