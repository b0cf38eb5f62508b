/** Keys at rest: the published test vectors open, what we write opens again, and nothing else does. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import {
  decryptKey,
  encryptKey,
  readKeystore,
  startSignerProcess,
} from "../../middleware/index.ts";
import { Secret } from "../../protocol/index.ts";
import { newIntent } from "./intents.ts";

const passphrase = new Secret("testpassword");
const coded = (code: string) => expect.objectContaining({ code });

// https://ethereum.org/en/developers/docs/data-structures-and-encoding/web3-secret-storage/#test-vectors
const PBKDF2 = {
  crypto: {
    cipher: "aes-128-ctr",
    cipherparams: { iv: "6087dab2f9fdbbfaddc31a909735c1e6" },
    ciphertext: "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
    kdf: "pbkdf2",
    kdfparams: {
      c: 262_144,
      dklen: 32,
      prf: "hmac-sha256",
      salt: "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
    },
    mac: "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
  },
  id: "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  version: 3,
};
const SCRYPT = {
  ...PBKDF2,
  crypto: {
    cipher: "aes-128-ctr",
    cipherparams: { iv: "740770fce12ce862af21264dab25f1da" },
    ciphertext: "dd8a1132cf57db67c038c6763afe2cbe6ea1949a86abc5843f8ca656ebbb1ea2",
    kdf: "scrypt",
    kdfparams: {
      dklen: 32,
      n: 262_144,
      p: 1,
      r: 8,
      salt: "25710c2ccd7c610b24d068af83b959b7a0e5f40641f0c82daeb1345766191034",
    },
    mac: "337aeb86505d2d0bb620effe57f18381377d67d76dac1090626aa5cd20886a7c",
  },
};

test("the standard's own keystore opens", () => {
  expect(decryptKey(readKeystore(JSON.stringify(PBKDF2)), passphrase)).toBe(
    "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d",
  );
});

test("what is written opens with its passphrase and with no other", () => {
  const key = generatePrivateKey();
  const text = JSON.stringify(encryptKey({ key: new Secret(key), passphrase, n: 4_096 }));
  expect(text).not.toContain(key.slice(2));
  const keystore = readKeystore(text);
  expect(keystore.address).toBe(privateKeyToAccount(key).address.slice(2).toLowerCase());
  expect(decryptKey(keystore, passphrase)).toBe(key);
  expect(() => decryptKey(keystore, new Secret("testpasswort"))).toThrow(
    coded("KEYSTORE_PASSPHRASE"),
  );
});

const change = (crypto: object, rest: object = {}) =>
  JSON.stringify({ ...SCRYPT, ...rest, crypto: { ...SCRYPT.crypto, ...crypto } });
test.each([
  ["no JSON", "key"],
  ["another version", change({}, { version: 1 })],
  ["another cipher", change({ cipher: "aes-256-ctr" })],
  ["a key that is cut off", change({ ciphertext: "d172" })],
  ["no MAC", change({ mac: undefined })],
  ["an unknown way to the key", change({ kdf: "argon2" })],
  ["work for years", change({ kdfparams: { ...SCRYPT.crypto.kdfparams, n: 2 ** 40 } })],
  ["numbers that scrypt forbids", change({ kdfparams: { ...SCRYPT.crypto.kdfparams, n: 1_000 } })],
  ["a salt that is none", change({ kdfparams: { ...SCRYPT.crypto.kdfparams, salt: "0x" } })],
])("a keystore with %s is refused before any work is done", (_, text) => {
  expect(() => readKeystore(text)).toThrow(coded("KEYSTORE_INVALID"));
});

test("a signer opens a keystore in its own process, and neither key nor passphrase is anywhere outside", async () => {
  const key = generatePrivateKey();
  const keyFile = join(mkdtempSync(join(tmpdir(), "purser-keystore-")), "key");
  const keystore = encryptKey({ key: new Secret(key), passphrase, n: 4_096 });
  writeFileSync(keyFile, JSON.stringify(keystore), { mode: 0o600 });
  await using signer = await startSignerProcess({ keyFile, passphrase });
  const { address } = privateKeyToAccount(key);
  expect(signer.address).toBe(address);
  expect(await signer.sign(newIntent({ from: address }))).toMatch(/^0x/);
  const of = (name: string) => readFileSync(`/proc/${signer.pid}/${name}`, "utf8");
  expect(of("cmdline") + of("environ")).not.toMatch(/testpassword|passphrase/);
  for (const [wrong, problem] of [
    [undefined, "no passphrase was given"],
    [new Secret("another"), "does not open"],
  ] as const) {
    const error = await startSignerProcess({ keyFile, passphrase: wrong }).catch((e: unknown) => e);
    expect(error).toEqual(coded("SIGNER_KEY_INVALID"));
    expect((error as Error).message).toContain(problem);
    expect((error as Error).message).not.toContain("another");
  }
});
