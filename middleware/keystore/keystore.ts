/**
 * Web3 Secret Storage, version 3: a private key encrypted with AES-128-CTR under a key that scrypt makes of a passphrase, and a
 * MAC (Keccak-256) that tells a wrong passphrase. We write scrypt (`encrypt-key.ts`), and read PBKDF2 as well.
 * https://ethereum.org/en/developers/docs/data-structures-and-encoding/web3-secret-storage/
 */
import { createDecipheriv, pbkdf2Sync, scryptSync, timingSafeEqual } from "node:crypto";
import type { Hex } from "viem";
import { keccak256 } from "../../protocol/keccak.ts";
import type { Secret } from "../../protocol/secret.ts";
import { KeystoreError } from "./keystore-error.ts";

interface ScryptParams {
  readonly n: number;
  readonly r: number;
  readonly p: number;
  readonly dklen: number;
  readonly salt: string;
}

interface Pbkdf2Params {
  readonly c: number;
  readonly prf: string;
  readonly dklen: number;
  readonly salt: string;
}

export interface Keystore {
  readonly version: 3;
  readonly id: string;
  /** 40 hexadecimal digits; some programs leave it out. */
  readonly address?: string;
  readonly crypto: {
    readonly cipher: "aes-128-ctr";
    readonly cipherparams: { readonly iv: string };
    readonly ciphertext: string;
    readonly mac: string;
  } & (
    | { readonly kdf: "scrypt"; readonly kdfparams: ScryptParams }
    | { readonly kdf: "pbkdf2"; readonly kdfparams: Pbkdf2Params }
  );
}

/** What we work through of a stranger's numbers: four times geth's, and 1 GB. */
const MAX_SCRYPT = 1_048_576 * 8;
const MAX_ITERATIONS = 10_000_000;

/** The private key as 0x-text, or `KEYSTORE_PASSPHRASE`. */
export function decryptKey(keystore: Keystore, passphrase: Secret): Hex {
  const { cipherparams, ciphertext: text, mac } = keystore.crypto;
  const ciphertext = Buffer.from(text, "hex");
  const derived = derive(keystore.crypto, passphrase);
  if (!timingSafeEqual(macOf(derived, ciphertext), Buffer.from(mac, "hex"))) {
    throw new KeystoreError("KEYSTORE_PASSPHRASE", {
      problem: "The keystore does not open with this passphrase.",
      nextStep: "Give the passphrase that it was written with.",
    });
  }
  const iv = Buffer.from(cipherparams.iv, "hex");
  const cipher = createDecipheriv("aes-128-ctr", derived.subarray(0, 16), iv);
  const key = Buffer.concat([cipher.update(ciphertext), cipher.final()]);
  return `0x${key.toString("hex")}`;
}

/** Reads a keystore's JSON, or throws `KEYSTORE_INVALID`, which names nothing of its content. */
export function readKeystore(text: string): Keystore {
  const parsed = parse(text);
  if (parsed === undefined) throw invalid("it is not JSON");
  const { version, crypto, Crypto = crypto } = parsed as Record<string, unknown>;
  if (version !== 3) throw invalid("it is not of version 3");
  if (typeof Crypto !== "object" || Crypto === null) throw invalid("it holds no encrypted key");
  const fields = Crypto as Keystore["crypto"];
  const isHex = (value: unknown, bytes: number) =>
    typeof value === "string" && value.length === bytes * 2 && /^[0-9a-fA-F]+$/.test(value);
  if (fields.cipher !== "aes-128-ctr" || !isHex(fields.cipherparams?.iv, 16)) {
    throw invalid("its cipher is not aes-128-ctr");
  }
  if (!isHex(fields.ciphertext, 32) || !isHex(fields.mac, 32)) throw invalid("its key is cut off");
  if (!isWorkable(fields)) throw invalid("how its key is made is unknown, or far too much work");
  return { ...(parsed as Keystore), crypto: fields };
}

function isWorkable(fields: Keystore["crypto"]): boolean {
  const params = (fields.kdfparams ?? {}) as Partial<ScryptParams & Pbkdf2Params>;
  const { salt, dklen } = params;
  if (dklen !== 32 || typeof salt !== "string" || !/^([0-9a-fA-F]{2}){1,64}$/.test(salt)) {
    return false;
  }
  const isCount = (value: unknown): value is number =>
    Number.isSafeInteger(value) && Number(value) > 0;
  if (fields.kdf === "scrypt") {
    const { n, r, p } = params;
    if (!isCount(n) || !isCount(r) || !isCount(p)) return false;
    // RFC 7914, section 2: a power of two, below 2^(128 r / 8).
    const isAllowed = n > 1 && Number.isInteger(Math.log2(n)) && Math.log2(n) < 16 * r;
    return isAllowed && n * r <= MAX_SCRYPT && p <= 16;
  }
  const { c, prf } = params;
  return fields.kdf === "pbkdf2" && prf === "hmac-sha256" && isCount(c) && c <= MAX_ITERATIONS;
}

/** The cipher's key, 16 bytes, and the MAC's, as many. */
export function derive(
  fields: Pick<Keystore["crypto"], "kdf" | "kdfparams">,
  passphrase: Secret,
): Buffer {
  const salt = Buffer.from(fields.kdfparams.salt, "hex");
  // As NFKC would be another passphrase to geth, the text is taken as it is.
  const secret = Buffer.from(passphrase.reveal(), "utf8");
  if (fields.kdf === "pbkdf2") {
    return pbkdf2Sync(secret, salt, (fields.kdfparams as Pbkdf2Params).c, 32, "sha256");
  }
  const { n, r, p } = fields.kdfparams as ScryptParams;
  return scryptSync(secret, salt, 32, { N: n, r, p, maxmem: 256 * r * (n + p) + 1_048_576 });
}

export function macOf(derived: Uint8Array, ciphertext: Uint8Array): Buffer {
  const mac = keccak256(Buffer.concat([derived.subarray(16, 32), ciphertext]));
  return Buffer.from(mac.slice(2), "hex");
}

function parse(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function invalid(reason: string): KeystoreError {
  return new KeystoreError("KEYSTORE_INVALID", {
    problem: `The keystore cannot be used: ${reason}.`,
    nextStep:
      "Give a Web3 Secret Storage file of version 3, as geth, foundry or `purser wallet import` write it.",
  });
}
