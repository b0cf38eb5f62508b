/** What we encode by hand for speed is to the digit what viem encodes from the types, for everything that a stranger can send. */
import * as fc from "fast-check";
import { encodeFunctionData, type Hex, multicall3Abi, parseSignature, toHex } from "viem";
import { expect, test } from "vitest";
import { TOKEN_ABI } from "../../chain/index.ts";
import { encodeBatch } from "../../facilitator/multicall.ts";
import { encodeTransfer } from "../../facilitator/transfer-call.ts";

const hex = (minLength: number, maxLength = minLength) =>
  fc.uint8Array({ minLength, maxLength }).map((value): Hex => toHex(value));
const uint256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
const authorization = fc.record({
  from: hex(20),
  to: hex(20),
  value: uint256,
  validAfter: uint256,
  validBefore: uint256,
  nonce: hex(32),
});
const call = { abi: TOKEN_ABI, functionName: "transferWithAuthorization" } as const;

test("a smart wallet's signature goes to the token as bytes, whatever they are", () => {
  fc.assert(
    fc.property(authorization, hex(1, 200), (message, signature) => {
      const { from, to, value, validAfter, validBefore, nonce } = message;
      const args = [from, to, value, validAfter, validBefore, nonce, signature] as const;
      const ours = encodeTransfer({ authorization: message, signature }, true);
      expect(ours).toBe(encodeFunctionData({ ...call, args }));
    }),
  );
});

test("a key's signature goes in parts, with v as the token wants it", () => {
  const lowS = fc.bigInt({ min: 1n, max: 2n ** 254n }).map((value) => toHex(value, { size: 32 }));
  const last = fc.constantFrom("00", "01", "1b", "1c", "1B", "1C");
  fc.assert(
    fc.property(authorization, hex(32), lowS, last, (message, r, s, v) => {
      const { from, to, value, validAfter, validBefore, nonce } = message;
      const signature: Hex = `${r}${s.slice(2)}${v}`;
      const { yParity } = parseSignature(signature);
      const args = [from, to, value, validAfter, validBefore, nonce, 27 + yParity, r, s] as const;
      const ours = encodeTransfer({ authorization: message, signature }, false);
      expect(ours).toBe(encodeFunctionData({ ...call, args }));
    }),
  );
});

test("a batch is Multicall3's aggregate3 of its calls, each of which may fail", () => {
  const calls = fc.array(fc.record({ to: hex(20), data: hex(0, 400) }), { maxLength: 6 });
  fc.assert(
    fc.property(calls, (some) => {
      const args = some.map(({ to, data }) => ({ target: to, allowFailure: true, callData: data }));
      const data = encodeFunctionData({
        abi: multicall3Abi,
        functionName: "aggregate3",
        args: [args],
      });
      expect(encodeBatch(some).data).toBe(data);
    }),
  );
});
