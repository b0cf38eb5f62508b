import * as fc from "fast-check";
import { getAddress as viemGetAddress } from "viem";
import { expect, test } from "vitest";
import { getAddress } from "../../protocol/address.ts";

// https://eips.ethereum.org/EIPS/eip-55#test-cases
test.each([
  "0x52908400098527886E0F7030069857D2E4169EE7",
  "0xde709f2102306220921060314715629080e2fb77",
  "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
  "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
])("%s is the usual form of itself, in whatever case it was written", (address) => {
  expect(getAddress(address)).toBe(address);
  expect(getAddress(address.toLowerCase())).toBe(address);
  expect(getAddress(`0x${address.slice(2).toUpperCase()}`)).toBe(address);
});

test("of any twenty bytes the form is viem's", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (bytes) => {
      const text = `0x${Buffer.from(bytes).toString("hex")}`;
      expect(getAddress(text)).toBe(viemGetAddress(text));
    }),
  );
});

test.each(["", "0x", "52908400098527886E0F7030069857D2E4169EE7", `0x${"0".repeat(41)}`, "0xzz"])(
  "%j is no address, and never becomes one",
  (text) => {
    expect(() => getAddress(text)).toThrow(TypeError);
  },
);
