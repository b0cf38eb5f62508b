/**
 * A signer over a key in this process's memory: what the signer process runs. It signs with libsecp256k1 as WebAssembly where
 * that package is installed, four times as fast as viem's own, and with viem's where it is not: both make the same signature,
 * byte for byte, because ECDSA's nonce comes from the message (RFC 6979).
 */
import type { Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { authorizationDigest } from "./authorization-digest.ts";
import { accountSigner, assetOf, type Signer } from "./signer.ts";

/** Makes a signer of a private key, which must be one (`0x` and 64 hex digits). */
export async function keySigner(key: Hex): Promise<Signer> {
  const account = privateKeyToAccount(key);
  const fast = await loadFastSigning();
  if (!fast) return accountSigner(account);
  const secret = Buffer.from(key.slice(2), "hex");
  return {
    address: account.address,
    async sign(intent) {
      const asset = assetOf(intent, account.address);
      const digest = authorizationDigest(asset, intent.authorization);
      const { signature, recoveryId } = fast(digest, secret);
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
