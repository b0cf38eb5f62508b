/** The catalog is whole: every case that was asked for is there or has a reason, and says enough of itself. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CASES, LEFT_OUT } from "../../conformance/index.ts";

/** The list that the catalog was made from, by the last number of each group. */
const ASKED = {
  DISC: 9,
  CHAL: 30,
  MPP: 18,
  HTTP: 18,
  MALF: 18,
  SIG: 7,
  TAMP: 22,
  RPLY: 11,
  IDEM: 10,
  SETL: 15,
  WORK: 16,
  ERR: 6,
  PRICE: 6,
  PATH: 13,
  LEAK: 4,
  TIME: 3,
  LOAD: 5,
} as const;
const ids = Object.entries(ASKED).flatMap(([group, last]) =>
  Array.from({ length: last }, (_, at) => `${group}-${String(at + 1).padStart(2, "0")}`),
);

test("each of the 211 cases is built, or left out with a reason, and never both", () => {
  expect(ids).toHaveLength(211);
  const built = new Set(CASES.map(({ id }) => id));
  const out = new Set(LEFT_OUT.map(({ id }) => id));
  expect(ids.filter((id) => built.has(id) === out.has(id))).toEqual([]);
  expect([...out].filter((id) => !ids.includes(id))).toEqual([]);
  for (const { reason } of LEFT_OUT) expect(reason.length).toBeGreaterThan(30);
});

test("ids are unique, and so are titles", () => {
  expect(new Set(CASES.map(({ id }) => id)).size).toBe(CASES.length);
  expect(new Set(CASES.map(({ title }) => title)).size).toBe(CASES.length);
});

test("each case says where it is written, who gains what, and how to mend it", () => {
  for (const { id, basis, gains, mend, level } of CASES) {
    expect(id).toMatch(/^[A-Z]+-\d\d$/);
    expect(
      [basis.spec, basis.section, basis.url, basis.quote].every((text) => text.length > 0),
    ).toBe(true);
    if (level !== "info")
      expect([id, gains.length > 20, mend.length > 15]).toEqual([id, true, true]);
    // What is binding is binding by a specification, not by us.
    if (level === "must" || level === "should")
      expect([id, basis.spec]).not.toEqual([id, "purser policy"]);
  }
});

test("docs/check.md names what is left out", () => {
  const page = readFileSync("docs/check.md", "utf8");
  for (const { id, reason } of LEFT_OUT)
    if (!reason.startsWith("It is not built yet")) expect(page).toContain(id);
});
