import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BASE_SEPOLIA_USDC,
  CHALLENGE_LIMITS,
  encodeJson,
  parseChallenge,
} from "../../protocol/index.ts";

const payTo = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
const v1Entry = {
  scheme: "exact",
  network: "base-sepolia",
  maxAmountRequired: "10000",
  resource: "http://127.0.0.1:1/buy",
  description: "",
  mimeType: "",
  payTo,
  maxTimeoutSeconds: 60,
  asset: BASE_SEPOLIA_USDC.address,
  extra: { name: "USDC", version: "2" },
};
const v2Entry = {
  scheme: "exact",
  network: "eip155:84532",
  amount: "20000",
  payTo,
  maxTimeoutSeconds: 60,
  asset: BASE_SEPOLIA_USDC.address,
  extra: { name: "USDC", version: "2" },
};
const v1 = (accepts: unknown[]) => ({
  header: null,
  body: JSON.stringify({ x402Version: 1, accepts }),
});
const v2 = (accepts: unknown[]) => ({
  header: encodeJson({ x402Version: 2, resource: { url: "http://127.0.0.1:1/buy" }, accepts }),
  body: "{}",
});

describe("the 402 answer of a stranger", () => {
  test("in x402 v1 becomes offers on the network's CAIP-2 id", () => {
    expect(parseChallenge(v1([v1Entry]))).toMatchObject([
      {
        x402Version: 1,
        network: "eip155:84532",
        amount: 10_000n,
        payTo,
        resource: "http://127.0.0.1:1/buy",
      },
    ]);
  });

  test("in x402 v2 becomes offers that keep the server's own words for the payment", () => {
    expect(parseChallenge(v2([v2Entry]))).toMatchObject([
      { x402Version: 2, amount: 20_000n, raw: v2Entry },
    ]);
  });

  test("in both versions at once gives all offers, v2 first", () => {
    const both = { header: v2([v2Entry]).header, body: v1([v1Entry]).body };
    expect(parseChallenge(both).map(({ x402Version }) => x402Version)).toEqual([2, 1]);
  });

  test("keeps the readable offers beside unreadable ones", () => {
    expect(parseChallenge(v1([{ scheme: "exact", network: "solana" }, v1Entry]))).toHaveLength(1);
  });

  test.each([
    ["an empty price", { maxAmountRequired: "" }],
    ["an exponent", { maxAmountRequired: "1e4" }],
    ["a hexadecimal price", { maxAmountRequired: "0x10" }],
    ["a number instead of text", { maxAmountRequired: 10_000 }],
    ["a negative price", { maxAmountRequired: "-1" }],
    ["a price with 100 digits", { maxAmountRequired: "9".repeat(100) }],
    ["a recipient that is no address", { payTo: "0x12" }],
    ["no time limit", { maxTimeoutSeconds: undefined }],
    ["an endless time limit", { maxTimeoutSeconds: Number.POSITIVE_INFINITY }],
  ])("with %s is not an offer", (_, change) => {
    expect(() => parseChallenge(v1([{ ...v1Entry, ...change }]))).toThrow(
      expect.objectContaining({ code: "CHALLENGE_INVALID" }),
    );
  });

  test("that is too large is refused before it is read", () => {
    const body = " ".repeat(CHALLENGE_LIMITS.characters + 1);
    expect(() => parseChallenge({ header: null, body })).toThrow(
      expect.objectContaining({ code: "CHALLENGE_TOO_LARGE" }),
    );
  });

  test("with more entries than anyone needs is refused", () => {
    const accepts = Array.from({ length: CHALLENGE_LIMITS.accepts + 1 }, () => v1Entry);
    expect(() => parseChallenge(v1(accepts))).toThrow(
      expect.objectContaining({ code: "CHALLENGE_INVALID" }),
    );
  });

  test("never throws anything but a typed error, whatever it holds", () => {
    fc.assert(
      fc.property(fc.option(fc.string()), fc.oneof(fc.string(), fc.json()), (header, body) => {
        try {
          parseChallenge({ header, body });
        } catch (error) {
          expect(error).toMatchObject({ code: "CHALLENGE_INVALID" });
        }
      }),
    );
  });
});
