/** Reads what a person typed: amounts, addresses, counts, URLs. Whatever is not exactly right is refused before anything starts. */
import { isAbsolute, resolve } from "node:path";
import { AmountError, formatDecimal, parseDecimal } from "../protocol/money.ts";
import { UsageError } from "./exit.ts";
import { plain } from "./terminal.ts";

const USD_DECIMALS = 6;
/** More than anybody means; a slip of the finger is refused rather than believed. */
const MAX_BUDGET = parseDecimal("1000000000", USD_DECIMALS);

/** The budget as decimal text in its usual form, or `BUDGET_INVALID`. */
export function readBudget(text: string): string {
  let amount: bigint;
  try {
    amount = parseDecimal(text, USD_DECIMALS);
  } catch (cause) {
    if (!(cause instanceof AmountError)) throw cause;
    throw budgetInvalid(text, cause);
  }
  if (amount > MAX_BUDGET) throw budgetInvalid(text);
  return formatDecimal(amount, USD_DECIMALS);
}

function budgetInvalid(text: string, cause?: unknown): UsageError {
  return new UsageError("BUDGET_INVALID", {
    problem: `"${plain(text, 40)}" is not an amount of dollars.`,
    nextStep: "Write plain digits with at most six decimals, such as 25.00.",
    cause,
  });
}

/** Atomic units of the token, or `BUDGET_INVALID`. */
export function readAmount(text: string): bigint {
  return parseDecimal(readBudget(text), USD_DECIMALS);
}

export function readAddress(text: string): `0x${string}` {
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return text as `0x${string}`;
  throw new UsageError("ADDRESS_INVALID", {
    problem: `"${plain(text, 80)}" is not an address.`,
    nextStep: "Write 0x and 40 hexadecimal digits.",
  });
}

export function readCount(name: string, text: string, { max }: { max: number }): number {
  const count = /^[1-9]\d{0,5}$/.test(text) ? Number(text) : Number.NaN;
  if (count <= max) return count;
  throw new UsageError("COUNT_INVALID", {
    problem: `${name} is "${plain(text, 40)}".`,
    nextStep: `Write a whole number from 1 to ${max}.`,
  });
}

/** The base URL of a server of the user's own. A password in it would end up in records, so there may be none. */
export function readUrl(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "") {
    return url.href.replace(/\/$/, "");
  }
  throw new UsageError("URL_INVALID", {
    problem: `${name} "${plain(text, 200)}" is not an http(s) URL.`,
    nextStep: "Write it such as http://127.0.0.1:4000, without a name and password.",
  });
}

export function readPath(text: string, cwd: string): string {
  if (text.trim() === "") {
    throw new UsageError("USAGE", {
      problem: "A folder's name is empty.",
      nextStep: "Name a folder, such as --out my-run.",
    });
  }
  return isAbsolute(text) ? text : resolve(cwd, text);
}
