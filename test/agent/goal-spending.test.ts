import { expect, test } from "vitest";
import { readSpending } from "../../agent/planner/goal-spending.ts";

const PAGE = "Put a page for Ada on ada.dev";

test.each([
  "at most 3 dollars",
  "for at most $3",
  "no more than 3 dollars",
  "Spend under $3",
  "only if it costs less than $3",
  "but do not spend more than $3",
  "My limit is $3.",
  "never spend over 3 USD",
  "Don't spend more than 3 dollars.",
  "You can't pay more than $3.00 for it.",
  "I don’t want to pay more than $3.",
  "It must not cost more than US$3.",
  "Keep the price below 3 bucks, please.",
  "Max 3.",
  "budget: $3",
  "with a $3 budget",
  "$3 or less",
  "$3 max",
  "Nothing over $3.",
  "without exceeding $3",
  "up to $3 a year",
])("understands the limit %j", (words) => {
  expect(readSpending(`${PAGE}. ${words}`)).toMatchObject({
    limit: 3_000_000n,
    forbidden: undefined,
    unclear: [],
  });
});

test.each([
  "Don't buy anything.",
  "Do not buy a domain.",
  "dont buy it",
  "do not register it",
  "but do not spend any money",
  "Never pay for anything.",
  "You mustn’t pay for it.",
  "without buying the name",
  "Buy nothing.",
  "Spend nothing.",
  "No purchases.",
  "for free",
  "at no cost",
  "I do not want you to buy ada.dev.",
  "Under no circumstances should you spend money.",
  "No domain should be bought.",
  "rather than buying it",
  "Please don't get a domain.",
])("hears that %j forbids buying", (words) => {
  expect(readSpending(`${PAGE}. ${words}`).forbidden).toBeDefined();
});

test.each([
  ["for five dollars", "five dollars"],
  ["for 1,000 dollars", "1,000 dollars"],
  ["about €5", "€5"],
  ["at most $5k", "$5"],
  ["if it costs more than $5, stop", "$5,"],
  ["The budget is tight.", "budget"],
  ["Keep it cheap.", "cheap"],
  ["Ask me first.", "Ask me"],
  ["Do it as a dry run.", "dry run"],
  ["Purchases are forbidden.", "Purchases are forbidden."],
  ["Don't buy it unless I say so.", "Don't buy it unless I say so"],
  ["Register it later.", "Register it later."],
  ["Only free things.", "free"],
  ["Leave my wallet alone.", "my wallet"],
  ["Don't touch the wallet.", "the wallet"],
  ["Don't do it if it costs money.", "costs money"],
  ["Less than five.", "Less than five"],
  ["Only if gratis.", "gratis"],
  ["Buying is off the table.", "Buying is off the table."],
])("does not understand %j completely", (words, unclear) => {
  expect(readSpending(`${PAGE}. ${words}`).unclear).toContain(unclear);
});

test.each([
  "Register ada.dev. Actually, forget it.",
  "Register ada.dev. Wait, stop.",
  "Put a page for Ada on ada.dev. I changed my mind, cancel that.",
  "Put a page for Ada on ada.dev (not really, just testing)",
  "Register ada.dev, but only if ada.com is taken",
  "Buy ada.dev only if ada.app is taken",
  "Should I buy ada.dev?",
  "Would you buy ada.dev?",
  "Explain how you would buy ada.dev",
  "Show me how to register ada.dev",
  "Show me what it would take to register ada.dev",
  "My colleague wants to buy ada.dev. Is it a good name?",
  "Remind me to register ada.dev",
  "Register ada.dev on Monday",
  "Plan a page for Ada on ada.dev and tell me the steps",
  "Don't go and pay for it",
  "Buy ada.dev or ada.com, whichever is cheaper",
  "Buy the cheapest of ada.dev, ada.app and ada.com",
  "Compare ada.dev and ada.app",
  "Put a page for Ada on a subdomain of workers.dev",
])("does not take %j for an order", (goal) => {
  const { unclear, forbidden } = readSpending(goal);
  expect([...unclear, ...(forbidden === undefined ? [] : [forbidden])]).not.toEqual([]);
});

test.each([
  PAGE,
  "Register ada.dev",
  "Register ada.dev, pay for it, and put a page on it.",
  `${PAGE}. Stay within the budget.`,
  `${PAGE} as cheaply as possible.`,
  "I want to buy ada.dev and put a page on it.",
  "Buy ada.dev and nothing else.",
  "Put a page on ada.dev. If that is taken, use ada-marsh.dev.",
  "A page on a.dev, b.dev or c.dev, whichever is free.",
  'Put a page on ada.dev that says "All for $5, do not pay more"',
  "Put a page on cheap-money.dev",
  "Put a page for Max on max.dev",
  "Register the cheapest domain for Nimbus Coffee and put a page on it.",
  "A gluten-free bakery page on crumb.dev, under 50 KB",
])("finds nothing against buying in %j", (goal) => {
  expect(readSpending(goal)).toMatchObject({
    limit: undefined,
    forbidden: undefined,
    owned: undefined,
    unclear: [],
  });
});

test.each([
  "I already own ada.dev. Put a page on it.",
  "We've bought ada.dev. Put a page on it.",
  "Put a page on my domain ada.dev",
  "Put a page on ada.dev, which I already own",
  "ada.dev is mine. Put a page there.",
  "ada.dev belongs to me. Put a page there.",
  "Put a page on ada.dev. We registered the domain last year.",
  "Put a page on ada.dev, my own domain",
])("hears in %j that the domain is there", (goal) => {
  expect(readSpending(goal).owned).toBeDefined();
});

test.each([
  "I don't own ada.dev yet. Register it.",
  "If ada.dev is already registered, use ada-marsh.dev.",
  "My site is in the folder portfolio. Put it on ada.dev.",
])("does not hear in %j that the domain is there", (goal) => {
  expect(readSpending(goal).owned).toBeUndefined();
});
