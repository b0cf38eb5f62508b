/**
 * Signing with a key in this process's memory: what the signer process does. It signs with libsecp256k1 as WebAssembly where
 * that package is installed, four times as fast as viem's own, and with viem's where it is not: both make the same signature,
 * byte for byte, because ECDSA's nonce comes from the message (RFC 6979).
 */
import type { Address, Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type { Asset } from "../../protocol/asset.ts";
import {
  type Authorization,
  authorizationTypedData,
} from "../../protocol/transfer-authorization.ts";
import { authorizationDigest } from "./authorization-digest.ts";

export interface KeySigning {
  readonly address: Address;
  readonly signAuthorization: (authorization: Authorization) => Hex | Promise<Hex>;
}

/** Makes what signs for one token of a private key, which must be one (`0x` and 64 hex digits). */
export async function keySigning(key: Hex, asset: Asset): Promise<KeySigning> {
  const account = privateKeyToAccount(key);
  const fast = await loadFastSigning();
  if (!fast) {
    return {
      address: account.address,
      signAuthorization: (authorization) =>
        account.signTypedData(authorizationTypedData(asset, authorization)),
    };
  }
  const secret = Buffer.from(key.slice(2), "hex");
  return {
    address: account.address,
    signAuthorization(authorization) {
      const { signature, recoveryId } = fast(authorizationDigest(asset, authorization), secret);
      return `0x${Buffer.from(signature).toString("hex")}${(27 + recoveryId).toString(16)}`;
    },
  };
}

async function loadFastSigning() {
  try {
    return (await import("tiny-secp256k1")).signRecoverable;
  } catch {
    return undefined;
  }
}
