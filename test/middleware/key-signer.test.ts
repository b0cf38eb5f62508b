/** The signer's fast signature is viem's, byte for byte, for whatever it is asked to authorize. */
import * as fc from "fast-check";
import { privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import { keySigning } from "../../middleware/signer/key-signer.ts";
import { ASSETS, authorizationTypedData } from "../../protocol/index.ts";

const bytes = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((value) => `0x${Buffer.from(value).toString("hex")}` as const);
const seconds = fc.bigInt({ min: 0n, max: 2n ** 63n });

test("it signs as viem does, for every key, token and authorization", async () => {
  const key = bytes(32).filter((hex) => BigInt(hex) > 0n && BigInt(hex) < 2n ** 255n);
  await fc.assert(
    fc.asyncProperty(
      key,
      fc.constantFrom(...ASSETS),
      bytes(20),
      bytes(32),
      fc.bigInt({ min: 1n, max: 2n ** 256n - 1n }),
      seconds,
      seconds,
      async (key, asset, to, nonce, value, validAfter, validBefore) => {
        const account = privateKeyToAccount(key);
        const authorization = {
          from: account.address,
          to,
          nonce,
          value,
          validAfter,
          validBefore,
        };
        const fast = await keySigning(key, asset);
        expect(fast.address).toBe(account.address);
        expect(await fast.signAuthorization(authorization)).toBe(
          await account.signTypedData(authorizationTypedData(asset, authorization)),
        );
      },
    ),
    { numRuns: 100 },
  );
});
