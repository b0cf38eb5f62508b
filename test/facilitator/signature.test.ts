/** Our own hash and recovery say what viem says, for everything that a stranger can send. */
import * as fc from "fast-check";
import { type Hex, hashTypedData, hexToBytes, recoverAddress, toHex } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import { authorizationHasher } from "../../facilitator/authorization-hash.ts";
import { recoverSigner } from "../../facilitator/recover-signer.ts";
import { ASSETS, authorizationTypedData } from "../../protocol/index.ts";

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((value): Hex => toHex(value));
const uint256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
const authorization = fc.record({
  from: bytes(20),
  to: bytes(20),
  value: uint256,
  validAfter: uint256,
  validBefore: uint256,
  nonce: bytes(32),
});

test("the hash of any authorization is the one that viem makes, for every asset that we know", () => {
  const hashers = ASSETS.map((asset) => ({ asset, hash: authorizationHasher(asset) }));
  fc.assert(
    fc.property(authorization, (message) => {
      for (const { asset, hash } of hashers)
        expect(hash(message)).toBe(hashTypedData(authorizationTypedData(asset, message)));
    }),
  );
});

/** What viem says; undefined where it throws. */
async function expected(hash: Hex, r: Hex, s: Hex, v: 27 | 28) {
  try {
    return await recoverAddress({ hash, signature: { r, s, yParity: v - 27 } });
  } catch {
    return undefined;
  }
}

test("the signer of a good signature is found", async () => {
  for (let at = 0; at < 20; at += 1) {
    const account = privateKeyToAccount(generatePrivateKey());
    const hash = toHex(at + 1, { size: 32 });
    const signature = await account.sign({ hash });
    const r: Hex = `0x${signature.slice(2, 66)}`;
    const s: Hex = `0x${signature.slice(66, 130)}`;
    const v = hexToBytes(signature)[64] === 28 ? 28 : 27;
    expect(await recoverSigner(hash, { r, s, v })).toBe(account.address);
  }
});

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const FIELD = 2n ** 256n - 2n ** 32n - 977n;
const edge = fc
  .constantFrom(0n, 1n, 2n, ORDER - 1n, ORDER, ORDER + 1n, FIELD - 1n, FIELD, 2n ** 256n - 1n)
  .map((value) => toHex(value, { size: 32 }));
const word = fc.oneof(bytes(32), edge);

test("of any 65 bytes the same signer is recovered, or none", async () => {
  const parity = fc.constantFrom<27 | 28>(27, 28);
  await fc.assert(
    fc.asyncProperty(word, word, word, parity, async (hash, r, s, v) => {
      expect(await recoverSigner(hash, { r, s, v })).toBe(await expected(hash, r, s, v));
    }),
    { numRuns: 150 },
  );
});
