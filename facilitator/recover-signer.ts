/**
 * Whose key signed a hash. Recovery is most of a facilitator's work, so it is done by libsecp256k1 in WebAssembly, some six times
 * faster than in JavaScript; where that package is not installed, by viem, which is also what the tests compare it with.
 */
import {
  type Address,
  checksumAddress,
  type Hex,
  hexToBytes,
  keccak256,
  recoverAddress,
} from "viem";

/** `v` as the token wants it. */
export interface SignatureParts {
  readonly r: Hex;
  readonly s: Hex;
  readonly v: 27 | 28;
}

type Secp256k1 = Pick<typeof import("tiny-secp256k1"), "recover">;

let loading: Promise<Secp256k1 | undefined> | undefined;

/** The signer's address, or undefined where r or s is not of the curve. */
export async function recoverSigner(
  hash: Hex,
  { r, s, v }: SignatureParts,
): Promise<Address | undefined> {
  loading ??= import("tiny-secp256k1").catch(() => undefined);
  const secp256k1 = await loading;
  try {
    const yParity = v === 27 ? 0 : 1;
    if (!secp256k1) return await recoverAddress({ hash, signature: { r, s, yParity } });
    const signature = hexToBytes(`${r}${s.slice(2)}`);
    const key = secp256k1.recover(hexToBytes(hash), signature, yParity, false);
    return key ? checksumAddress(`0x${keccak256(key.subarray(1)).slice(26)}`) : undefined;
  } catch {
    return undefined;
  }
}
