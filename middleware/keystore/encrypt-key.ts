/** Writes a keystore. Apart from its reading, because the signer only reads, and what makes an address of a key is much to load. */
import { createCipheriv, randomBytes, randomUUID } from "node:crypto";
import type { Hex } from "viem";
import { privateKeyToAddress } from "viem/accounts";
import type { Secret } from "../../protocol/secret.ts";
import { derive, type Keystore, macOf } from "./keystore.ts";

export interface EncryptKeyOptions {
  readonly key: Secret<Hex>;
  readonly passphrase: Secret;
  /** scrypt's work, a power of two; geth's and foundry's unless given. */
  readonly n?: number;
}

export function encryptKey({ key, passphrase, n = 262_144 }: EncryptKeyOptions): Keystore {
  const iv = randomBytes(16);
  const kdfparams = { n, r: 8, p: 1, dklen: 32, salt: randomBytes(32).toString("hex") };
  const derived = derive({ kdf: "scrypt", kdfparams }, passphrase);
  const cipher = createCipheriv("aes-128-ctr", derived.subarray(0, 16), iv);
  const plain = Buffer.from(key.reveal().slice(2), "hex");
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return {
    version: 3,
    id: randomUUID(),
    address: privateKeyToAddress(key.reveal()).slice(2).toLowerCase(),
    crypto: {
      cipher: "aes-128-ctr",
      cipherparams: { iv: iv.toString("hex") },
      ciphertext: ciphertext.toString("hex"),
      kdf: "scrypt",
      kdfparams,
      mac: macOf(derived, ciphertext).toString("hex"),
    },
  };
}
