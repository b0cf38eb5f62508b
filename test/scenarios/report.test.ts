/** The report: self-contained, and nothing that a stranger wrote can break out of its text. */
import { expect, test } from "vitest";
import { renderReport } from "../../scenarios/index.ts";
import { GOAL, LINES, RESULT } from "./sample-run.ts";

const page = renderReport({ result: RESULT, goal: GOAL, lines: LINES });

test("a stranger's markup stays text, wherever it came in", () => {
  expect(page).not.toContain("<img");
  expect(page).not.toMatch(/<script/i);
  expect(page).not.toMatch(/(?![\n\t])[\p{Cc}\u202E]/u);
  expect(page).toContain("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;");
});

test("it needs no network and no script", () => {
  const tags = page.match(/<[a-z][^>]*>/gi) ?? [];
  expect(tags.filter((tag) => /\s(src|on\w+)=/i.test(tag))).toEqual([]);
  expect(tags.filter((tag) => /href=/.test(tag) && !tag.includes("http://127.0.0.1"))).toEqual([]);
  expect(page).not.toMatch(/url\(|@import|<link/);
});

test("it tells what was bought, from whom, with the transaction and the cap", () => {
  expect(page).toContain("cloudflare/registrar:domain");
  expect(page).toContain("12.18 USDC");
  expect(page).toContain(RESULT.payments[0]?.transaction);
  expect(page).toMatch(/\$12\.18 of\s+this month’s \$100\.00/);
});

test("a URL that is no web address is shown, never linked", () => {
  const url = "javascript:alert(1)";
  const shown = renderReport({ result: { ...RESULT, url }, goal: GOAL, lines: LINES });
  expect(shown).not.toMatch(/href="javascript/);
  expect(shown).toContain(url);
});

test("an error is told with its next step", () => {
  const error = {
    code: "BUDGET_EXCEEDED",
    problem: "It costs 50.00.",
    nextStep: "Raise the budget.",
  };
  const shown = renderReport({
    result: { ...RESULT, outcome: "refused", error, payments: [] },
    goal: GOAL,
    lines: [],
  });
  expect(shown).toContain("BUDGET_EXCEEDED");
  expect(shown).toContain("Raise the budget.");
  expect(shown).toContain("Nothing was bought.");
});
