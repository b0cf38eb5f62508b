/** Whose key signed a hash. */
import { type Address, type Hex, recoverAddress } from "viem";

/** `v` as the token wants it. */
export interface SignatureParts {
  readonly r: Hex;
  readonly s: Hex;
  readonly v: 27 | 28;
}

/** The signer's address, or undefined where r or s is not of the curve. */
export async function recoverSigner(
  hash: Hex,
  { r, s, v }: SignatureParts,
): Promise<Address | undefined> {
  try {
    return await recoverAddress({ hash, signature: { r, s, yParity: v - 27 } });
  } catch {
    return undefined;
  }
}
