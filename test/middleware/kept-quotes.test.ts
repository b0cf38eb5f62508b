/** Prices that were told: how long they may be paid, by whom, and what becomes of many. */
import { expect, test } from "vitest";
import type { PaywallQuote } from "../../middleware/index.ts";
import { KeptQuotes } from "../../middleware/paywall/kept-quotes.ts";
import { BASE_SEPOLIA_USDC as asset } from "../../protocol/index.ts";

const quoteOf = (amount: bigint): PaywallQuote<null> => ({
  amount,
  asset,
  payTo: asset.address,
  description: "",
  order: null,
});

function open(maxRequests = 10) {
  const clock = { now: 0 };
  const quotes = new KeptQuotes<null>({ now: () => clock.now, lifetimeMs: 1_000, maxRequests });
  const find = (request: string, amount: bigint) =>
    quotes.find(request, (quote) => quote.amount === amount)?.amount;
  return { clock, quotes, find };
}

test("a price is good to the end of its time, counted from when it was last told", () => {
  const { clock, quotes, find } = open();
  quotes.keep("a", quoteOf(1n));
  clock.now = 900;
  quotes.keep("a", quoteOf(1n));
  quotes.keep("a", quoteOf(2n));
  clock.now = 1_900;
  expect([find("a", 1n), find("a", 2n)]).toEqual([1n, 2n]);
  clock.now = 1_901;
  expect([find("a", 1n), find("a", 2n)]).toEqual([undefined, undefined]);
});

test("the price of one request is not that of another", () => {
  const { quotes, find } = open();
  quotes.keep("a", quoteOf(1n));
  expect(find("b", 1n)).toBeUndefined();
});

test("of many requests those asked longest ago are forgotten, and of many prices the oldest", () => {
  const { quotes, find } = open(2);
  for (const request of ["a", "b", "a", "c"]) quotes.keep(request, quoteOf(1n));
  expect(["a", "b", "c"].map((request) => find(request, 1n))).toEqual([1n, undefined, 1n]);
  for (let amount = 1n; amount <= 9n; amount += 1n) quotes.keep("c", quoteOf(amount));
  expect([find("c", 1n), find("c", 2n), find("c", 9n)]).toEqual([undefined, 2n, 9n]);
});
