/**
 * The account that pays for a facilitator's transactions, from its key. libsecp256k1 in WebAssembly signs in a quarter of the time
 * that JavaScript takes, which a payment that is alone waits for; where that package is not installed, viem signs.
 */
import { type Hex, type LocalAccount, toHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";

/** From a private key of 32 bytes; what it signs is viem's, to the byte. */
export async function gasAccount(privateKey: Hex): Promise<LocalAccount> {
  const account = privateKeyToAccount(privateKey);
  const secp256k1 = await import("tiny-secp256k1").catch(() => undefined);
  if (!secp256k1) return account;
  const key = Buffer.from(privateKey.slice(2), "hex");
  return {
    ...account,
    async sign({ hash }) {
      const digest = Buffer.from(hash.slice(2), "hex");
      const { signature, recoveryId } = secp256k1.signRecoverable(digest, key);
      return `${toHex(signature)}${recoveryId === 0 ? "1b" : "1c"}`;
    },
  };
}
