import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDecimal, parseAtomic, parseDecimal } from "../../protocol/index.ts";

describe("a person's price", () => {
  test.each([
    ["25.00", 25_000_000n],
    ["0.01", 10_000n],
    ["12", 12_000_000n],
    ["0.000001", 1n],
    ["0", 0n],
  ])("%s is read exactly", (text, atomic) => {
    expect(parseDecimal(text, 6)).toBe(atomic);
  });

  test.each([
    "",
    " ",
    "1e3",
    "-5",
    "+5",
    "0.0000001",
    "1.",
    ".5",
    "0x10",
    "1,000",
    "١٢",
    " 7 ",
    "NaN",
    "9".repeat(200),
  ])("%j is refused", (text) => {
    expect(() => parseDecimal(text, 6)).toThrow(
      expect.objectContaining({ code: "AMOUNT_INVALID" }),
    );
  });

  test("has at most 78 characters, and one that is refused is told why and what to do", () => {
    expect(parseDecimal("9".repeat(78), 0)).toBe(10n ** 78n - 1n);
    for (const text of ["9".repeat(79), `0.${"1".repeat(7)}`]) {
      expect(() => parseDecimal(text, 6)).toThrow(
        expect.objectContaining({
          problem: expect.stringContaining(text.slice(0, 40)),
          nextStep: expect.stringMatching(/\w/),
        }),
      );
    }
  });

  test("what is written is read back as the same amount", () => {
    fc.assert(
      fc.property(
        fc.bigInt(0n, 10n ** 30n),
        fc.integer({ min: 0, max: 18 }),
        (atomic, decimals) => {
          expect(parseDecimal(formatDecimal(atomic, decimals), decimals)).toBe(atomic);
        },
      ),
    );
  });

  test("has two decimals at least when written for a person", () => {
    expect(formatDecimal(12_180_000n, 6)).toBe("12.18");
    expect(formatDecimal(25_000_000n, 6)).toBe("25.00");
    expect(formatDecimal(-1n, 6)).toBe("-0.000001");
    expect(formatDecimal(0n, 6)).toBe("0.00");
    expect(formatDecimal(50n, 1)).toBe("5.0");
    expect(formatDecimal(50n, 0)).toBe("50");
  });
});

describe("a stranger's atomic units", () => {
  test("are a canonical whole number", () => {
    expect(parseAtomic("1001000")).toBe(1_001_000n);
    expect(parseAtomic("0")).toBe(0n);
    expect(parseAtomic("9".repeat(78))).toBe(10n ** 78n - 1n);
  });

  test("that are refused are told why and what to do", () => {
    expect(() => parseAtomic("1e4")).toThrow(
      expect.objectContaining({
        problem: expect.stringContaining('"1e4"'),
        nextStep: expect.stringMatching(/\w/),
      }),
    );
  });

  test.each(["", "1e4", "0x10", "10.0", " 7 ", "-1", "+1", "01", "1_000", "9".repeat(79)])(
    "%j is refused",
    (text) => {
      expect(() => parseAtomic(text)).toThrow(expect.objectContaining({ code: "AMOUNT_INVALID" }));
    },
  );
});
