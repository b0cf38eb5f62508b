import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  BASE_SEPOLIA_USDC,
  CHALLENGE_LIMITS,
  encodeJson,
  parseChallenge,
  readOffer,
} from "../../protocol/index.ts";
import { parseJson } from "../../protocol/offer.ts";

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

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
/** The same limits as a schema, to hold the reading against. */
const common = {
  scheme: z.string().max(64),
  network: z.string().max(64),
  payTo: address,
  asset: address,
  maxTimeoutSeconds: z.number().int().positive(),
};
const atomic = z
  .string()
  .max(78)
  .regex(/^(0|[1-9]\d*)$/);
const url = z.string().max(4096);
const accepts = z.array(z.unknown()).min(1).max(32);
const SCHEMAS = {
  1: {
    challenge: z.object({ x402Version: z.literal(1), accepts }),
    entry: z.object({ ...common, maxAmountRequired: atomic, resource: url.optional() }),
  },
  2: {
    challenge: z.object({
      x402Version: z.literal(2),
      resource: z.object({ url }).optional(),
      accepts,
    }),
    entry: z.object({ ...common, amount: atomic }),
  },
};
/** What is put in the place of a field that is as it should be. */
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 1 }),
  fc.constantFrom("0", "00", "-0", "1 ", "9".repeat(78), "9".repeat(79), payTo, `${payTo}\n`),
  fc.constantFrom(0, -0, 1, 1.5, 2 ** 53 - 1, 2 ** 53, -1, true, "60", null),
  fc.integer({ min: 62, max: 66 }).map((length) => "é".repeat(length)),
  fc.constantFrom([], {}, { url: "u" }, { url: 1 }, [v1Entry]),
);
const changed = (value: object, names: string[]) =>
  fc
    .dictionary(fc.constantFrom(...names), fc.option(odd, { nil: undefined }), { maxKeys: 2 })
    .map(
      (change) => JSON.parse(JSON.stringify({ ...value, ...change })) as Record<string, unknown>,
    );
const challenges = fc.constantFrom<1 | 2>(1, 2).chain((version) => {
  const entry = version === 1 ? v1Entry : v2Entry;
  return fc
    .array(changed(entry, Object.keys(entry)), { minLength: 1, maxLength: 3 })
    .chain((entries) =>
      changed(
        {
          x402Version: version,
          accepts: entries,
          ...(version === 1 ? {} : { resource: { url: "http://127.0.0.1:1/buy" } }),
        },
        ["x402Version", "accepts", "resource"],
      ),
    )
    .map((challenge) => ({ version, challenge }));
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
    expect(parseChallenge(v2([{ scheme: "exact", network: "solana" }, v2Entry]))).toHaveLength(1);
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

  const refusal = (code: string) =>
    expect.objectContaining({
      code,
      problem: expect.stringMatching(/\w/),
      nextStep: expect.stringMatching(/do not pay/),
    });

  test.each<[string, object]>([
    ["a scheme of 65 characters", { scheme: "e".repeat(65) }],
    ["a network of 65 characters", { network: "n".repeat(65) }],
    ["more before the recipient", { payTo: `0${payTo}` }],
    ["more after the recipient", { payTo: `${payTo}0` }],
    ["a token that is no address", { asset: "usdc" }],
    ["no time", { maxTimeoutSeconds: 0 }],
    ["negative time", { maxTimeoutSeconds: -1 }],
    ["half seconds", { maxTimeoutSeconds: 1.5 }],
  ])("with %s is not an offer in either version", (_, change) => {
    const resource = "r".repeat(4097);
    expect(() => parseChallenge(v1([{ ...v1Entry, ...change }]))).toThrow(
      refusal("CHALLENGE_INVALID"),
    );
    expect(() => parseChallenge(v2([{ ...v2Entry, ...change }]))).toThrow(
      refusal("CHALLENGE_INVALID"),
    );
    expect(() => parseChallenge(v1([{ ...v1Entry, resource }]))).toThrow(
      refusal("CHALLENGE_INVALID"),
    );
    expect(() => readOffer({ x402Version: 2, raw: v2Entry, resource })).toThrow(
      refusal("CHALLENGE_INVALID"),
    );
  });

  test("may go to each limit, and not beyond", () => {
    const long = {
      scheme: "e".repeat(64),
      network: "n".repeat(64),
      maxTimeoutSeconds: 1,
      payTo: payTo.toLowerCase(),
    };
    const resource = "r".repeat(4096);
    const read = { ...long, payTo };
    expect(parseChallenge(v1([{ ...v1Entry, ...long, resource }]))).toMatchObject([
      { ...read, resource },
    ]);
    expect(readOffer({ x402Version: 2, raw: { ...v2Entry, ...long }, resource })).toMatchObject({
      ...read,
      resource,
    });
    const accepts = Array.from({ length: CHALLENGE_LIMITS.accepts }, () => v1Entry);
    expect(parseChallenge(v1(accepts))).toHaveLength(32);
    const entries = Array.from({ length: CHALLENGE_LIMITS.accepts }, () => v2Entry);
    expect(parseChallenge(v2(entries))).toHaveLength(32);
    expect(() => parseChallenge(v2([...entries, v2Entry]))).toThrow(refusal("CHALLENGE_INVALID"));
    expect(() => parseChallenge(v1([]))).toThrow(refusal("CHALLENGE_INVALID"));
    expect(() => parseChallenge(v2([]))).toThrow(refusal("CHALLENGE_INVALID"));
    const { body } = v1([v1Entry]);
    expect(
      parseChallenge({ header: null, body: body.padEnd(CHALLENGE_LIMITS.characters) }),
    ).toHaveLength(1);
    const header = "A".repeat(CHALLENGE_LIMITS.headerCharacters);
    expect(parseChallenge({ header, body })).toHaveLength(1);
    expect(() => parseChallenge({ header: `${header}A`, body })).toThrow(
      expect.objectContaining({ problem: expect.stringContaining("header is larger than 16384") }),
    );
    const large = { header: null, body: " ".repeat(CHALLENGE_LIMITS.characters + 1) };
    expect(() => parseChallenge(large)).toThrow(
      expect.objectContaining({ problem: expect.stringContaining("body is larger than 65536") }),
    );
    expect(CHALLENGE_LIMITS).toEqual({
      characters: 65_536,
      headerCharacters: 16_384,
      accepts: 32,
      depth: 16,
    });
  });

  test("of another version, or with nothing to read, is refused", () => {
    const other = { x402Version: 3, accepts: [v1Entry] };
    for (const body of ["", "null", "[]", "{}", JSON.stringify(other)]) {
      expect(() => parseChallenge({ header: null, body })).toThrow(refusal("CHALLENGE_INVALID"));
    }
    const header = encodeJson({ x402Version: 1, accepts: [v2Entry] });
    expect(() => parseChallenge({ header, body: "{}" })).toThrow(refusal("CHALLENGE_INVALID"));
    expect(() => readOffer({ x402Version: 1, raw: v2Entry })).toThrow(refusal("CHALLENGE_INVALID"));
  });

  test("keeps the word of a network that we do not know, and names no resource where there is none", () => {
    const raw = { ...v2Entry, network: "eip155:999" };
    expect(readOffer({ x402Version: 2, raw })).toEqual({
      x402Version: 2,
      scheme: "exact",
      network: "eip155:999",
      amount: 20_000n,
      asset: BASE_SEPOLIA_USDC.address,
      payTo,
      maxTimeoutSeconds: 60,
      resource: undefined,
      raw,
    });
    const { resource: _, ...entry } = v1Entry;
    expect(readOffer({ x402Version: 1, raw: entry }).resource).toBeUndefined();
    expect(parseChallenge(v2([v2Entry]))[0]?.resource).toBe("http://127.0.0.1:1/buy");
  });

  test("may be nested sixteen deep, and no deeper", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(parseJson(nested(16))).toBeDefined();
    expect(parseJson(nested(17))).toBeUndefined();
    expect(parseJson(`{"a":null,"b":${nested(16)}}`)).toBeUndefined();
    expect(parseJson("null")).toBeNull();
    expect(parseJson("nonsense")).toBeUndefined();
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

  test.each([{}, { url: 1 }, { url: "u".repeat(4097) }, [], "http://127.0.0.1:1/buy", null])(
    "in x402 v2 that sells %j is refused",
    (resource) => {
      const header = encodeJson({ x402Version: 2, resource, accepts: [v2Entry] });
      expect(() => parseChallenge({ header, body: "" })).toThrow(refusal("CHALLENGE_INVALID"));
    },
  );

  test("is taken and left as a schema of the same limits would", () => {
    fc.assert(
      fc.property(challenges, ({ version, challenge }) => {
        const { challenge: whole, entry } = SCHEMAS[version];
        const entries = whole.safeParse(challenge).data?.accepts ?? [];
        const readable = entries.filter((raw) => entry.safeParse(raw).success);
        const source =
          version === 1
            ? { header: null, body: JSON.stringify(challenge) }
            : { header: encodeJson(challenge), body: "" };
        if (readable.length === 0) expect(() => parseChallenge(source)).toThrow();
        else expect(parseChallenge(source).map(({ raw }) => raw)).toEqual(readable);
      }),
      { numRuns: 1000 },
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
