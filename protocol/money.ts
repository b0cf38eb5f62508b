/**
 * Money is a bigint of atomic units from the wire to the ledger. Decimals are text at the edge, read exactly or refused:
 * nothing rounds, and nothing passes through a float.
 */
import { PurserError } from "./error.ts";

/** More digits than any real amount has; a stranger's longer integer is refused before `BigInt` sees it. */
const MAX_DIGITS = 78;

export class AmountError extends PurserError<"AMOUNT_INVALID"> {}

/**
 * Reads a person's price, such as `parseDecimal("0.01", 6)`, which is 10_000n.
 * Throws `AMOUNT_INVALID` for anything but plain digits with at most `decimals` after the point.
 */
export function parseDecimal(text: string, decimals: number): bigint {
  const [, whole, fraction = ""] = /^(\d+)(?:\.(\d+))?$/.exec(text.slice(0, MAX_DIGITS + 1)) ?? [];
  if (whole === undefined || text.length > MAX_DIGITS || fraction.length > decimals) {
    throw new AmountError("AMOUNT_INVALID", {
      problem: `"${text.slice(0, 40)}" is not an amount of money with at most ${decimals} decimals.`,
      nextStep: "Write it as plain digits, such as 25.00.",
    });
  }
  return BigInt(whole + fraction.padEnd(decimals, "0"));
}

/** Writes atomic units for a person, at least two decimals: `formatDecimal(12_180_000n, 6)` is "12.18". */
export function formatDecimal(atomic: bigint, decimals: number): string {
  const digits = (atomic < 0n ? -atomic : atomic).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits
    .slice(digits.length - decimals)
    .replace(/0+$/, "")
    .padEnd(Math.min(2, decimals), "0");
  return `${atomic < 0n ? "-" : ""}${whole}${fraction && `.${fraction}`}`;
}

/** Reads a stranger's atomic units: a canonical, non-negative integer in decimal digits, or `AMOUNT_INVALID`. */
export function parseAtomic(text: string): bigint {
  if (text.length > MAX_DIGITS || !/^(0|[1-9]\d*)$/.test(text)) {
    throw new AmountError("AMOUNT_INVALID", {
      problem: `"${text.slice(0, 40)}" is not a whole number of atomic units.`,
      nextStep: "Do not pay; the server's price cannot be trusted.",
    });
  }
  return BigInt(text);
}
