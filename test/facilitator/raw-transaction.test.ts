import * as fc from "fast-check";
import { type Hex, keccak256, type LocalAccount, toHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import { signTransaction } from "../../facilitator/raw-transaction.ts";

const hex = (minLength: number, maxLength = minLength) =>
  fc.uint8Array({ minLength, maxLength }).map((value): Hex => toHex(value));
const wei = fc.bigInt({ min: 0n, max: 2n ** 60n });
const fields = fc.record({
  chainId: fc.integer({ min: 1, max: 2 ** 40 }),
  nonce: fc.nat(),
  to: hex(20),
  data: fc.oneof(hex(0, 3), hex(50, 60), hex(200, 300), hex(70_000, 70_001)),
  gas: fc.bigInt({ min: 0n, max: 30_000_000n }),
  fees: fc.record({ maxFeePerGas: wei, maxPriorityFeePerGas: fc.bigInt({ min: 0n, max: 300n }) }),
});
const account = privateKeyToAccount(toHex(77n, { size: 32 }));

test("any transaction is signed to the same bytes as by viem, also where the account signs no bare hash", async () => {
  const { sign: _, ...wholeOnly } = account;
  await fc.assert(
    fc.asyncProperty(fields, async (some) => {
      const { fees, ...call } = some;
      fc.pre(fees.maxFeePerGas >= fees.maxPriorityFeePerGas);
      const expected = await account.signTransaction({ type: "eip1559", ...call, ...fees });
      const outcome = { serialized: expected, hash: keccak256(expected) };
      expect(await signTransaction(account, some)).toEqual(outcome);
      expect(await signTransaction(wholeOnly as LocalAccount, some)).toEqual(outcome);
    }),
    { numRuns: 40 },
  );
});
