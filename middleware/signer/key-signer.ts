/**
 * Signing with a key in this process's memory: what the signer process does. It signs with libsecp256k1 as WebAssembly where
 * that package is installed, four times as fast as viem's own and loaded in a tenth of the time, and with viem's where it is not:
 * both make the same signature, byte for byte, because ECDSA's nonce comes from the message (RFC 6979).
 */
import type { Address, Hex } from "viem";
import { getAddress } from "../../protocol/address.ts";
import type { Asset } from "../../protocol/asset.ts";
import { keccak256 } from "../../protocol/keccak.ts";
import {
  type Authorization,
  authorizationTypedData,
} from "../../protocol/transfer-authorization.ts";
import { authorizationDigest } from "./authorization-digest.ts";

export interface KeySigning {
  readonly address: Address;
  readonly signAuthorization: (authorization: Authorization) => Hex | Promise<Hex>;
}

/** Makes what signs for one token of a private key (`0x` and 64 hex digits). Throws where the number is none of the curve's keys. */
export async function keySigning(key: Hex, asset: Asset): Promise<KeySigning> {
  const curve = await loadCurve();
  if (!curve) return viemSigning(key, asset);
  const secret = Buffer.from(key.slice(2), "hex");
  const point = curve.pointFromScalar(secret, false);
  if (!point) throw new RangeError("not a private key");
  return {
    // The last 20 bytes of the hash of both coordinates, which follow the byte that says how the point is written.
    address: getAddress(`0x${keccak256(point.subarray(1)).slice(-40)}`),
    signAuthorization(authorization) {
      const digest = authorizationDigest(asset, authorization);
      const { signature, recoveryId } = curve.signRecoverable(digest, secret);
      return `0x${Buffer.from(signature).toString("hex")}${(27 + recoveryId).toString(16)}`;
    },
  };
}

async function viemSigning(key: Hex, asset: Asset): Promise<KeySigning> {
  const { privateKeyToAccount } = await import("viem/accounts");
  const account = privateKeyToAccount(key);
  return {
    address: account.address,
    signAuthorization: (authorization) =>
      account.signTypedData(authorizationTypedData(asset, authorization)),
  };
}

async function loadCurve() {
  try {
    return await import("tiny-secp256k1");
  } catch {
    return undefined;
  }
}
