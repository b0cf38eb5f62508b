/** A payer's signature as it comes: 65 bytes of a key's, or whatever a smart wallet takes. Whether it is good, the chain says. */
import { type Hex, size } from "viem";

const ERC6492_SUFFIX = "6492".repeat(16);
/** Of the two forms of a signature, the token takes the one with the low s. */
const MAX_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

export interface SignatureParts {
  readonly r: Hex;
  readonly s: Hex;
  /** As the token wants it. */
  readonly v: 27 | 28;
}

/** True where the payer is a smart wallet that does not exist yet (ERC-6492), which somebody would have to deploy first. */
export function isForUndeployed(signature: Hex): boolean {
  return signature.toLowerCase().endsWith(ERC6492_SUFFIX);
}

/** A key's signature in parts; undefined for anything but 65 bytes in the low form. */
export function splitSignature(signature: Hex): SignatureParts | undefined {
  if (size(signature) !== 65) return undefined;
  const r: Hex = `0x${signature.slice(2, 66)}`;
  const s: Hex = `0x${signature.slice(66, 130)}`;
  const parity = { "00": 27, "01": 28, "1b": 27, "1c": 28 } as const;
  const v = parity[signature.slice(130).toLowerCase() as keyof typeof parity];
  return v === undefined || BigInt(s) > MAX_S ? undefined : { r, s, v };
}
