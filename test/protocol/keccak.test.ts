import * as fc from "fast-check";
import { keccak256 as viemKeccak256, stringToBytes } from "viem";
import { expect, test } from "vitest";
import { keccak256 } from "../../protocol/keccak.ts";

test("the hash of nothing, and of a short text, is Keccak's and not SHA-3's", () => {
  expect(keccak256(new Uint8Array())).toBe(
    "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
  );
  expect(keccak256(stringToBytes("abc"))).toBe(
    "0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
  );
});

test("of inputs of every length about a block, one after another, the hash is viem's", () => {
  for (let length = 0; length <= 280; length += 1) {
    const input = Uint8Array.from({ length }, (_, at) => at * 7 + length);
    expect(keccak256(input)).toBe(viemKeccak256(input));
  }
});

test("of any bytes, also more than the module takes at once, the hash is viem's", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 500 }),
    fc.integer({ min: 122_000, max: 123_500 }).map((length) => new Uint8Array(length).fill(0xa5)),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      expect(keccak256(input)).toBe(viemKeccak256(input));
    }),
    { numRuns: 60 },
  );
});
