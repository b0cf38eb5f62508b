/** A payment as the token's call that settles it. */
import { type Hex, toFunctionSelector } from "viem";
import { authorizationWords } from "./payer-reader.ts";
import type { Payment } from "./payment.ts";
import { splitSignature } from "./signature.ts";
import { bytesTail, uintWord } from "./words.ts";

const FIELDS = "address,address,uint256,uint256,uint256,bytes32";
const WITH_PARTS = toFunctionSelector(`transferWithAuthorization(${FIELDS},uint8,bytes32,bytes32)`);
const WITH_BYTES = toFunctionSelector(`transferWithAuthorization(${FIELDS},bytes)`);

/** A key's signature goes in parts, which every version of the token takes; a smart wallet's goes as it is. */
export function encodeTransfer(
  { authorization, signature }: Pick<Payment, "authorization" | "signature">,
  isContract: boolean,
): Hex {
  const words = authorizationWords(authorization);
  const parts = isContract ? undefined : splitSignature(signature);
  if (!parts) return `${WITH_BYTES}${words}${uintWord(32 * 7)}${bytesTail(signature)}`;
  const { v, r, s } = parts;
  return `${WITH_PARTS}${words}${uintWord(v)}${r.slice(2)}${s.slice(2)}`;
}
