/** The scenario format: what is wrong in a file is named by field and line, and nothing unknown passes. */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkScenario, parseScenario, readScenario } from "../../scenarios/index.ts";

const parse = (text: string) => parseScenario(text, { path: "stories/page.md" });
const problemsOf = (text: string) => checkScenario(text, { path: "page.md" }).problems;

test("an empty front matter is a scenario with every default, named after its file", () => {
  expect(parse("---\n---\n\nPut a page on ada.dev.\n")).toMatchObject({
    name: "page",
    goal: "Put a page on ada.dev.",
    folder: "stories",
    budget: "25.00",
    world: { cap: "100.00", payment_method: "wallet", taken: [] },
    expect: { outcome: "live" },
  });
});

test("one entry stands for a list of one", () => {
  const scenario = parse("---\nexpect: { url: { path: /a, contains: hello } }\n---\nGo.");
  expect(scenario.expect.url).toEqual([
    { method: "GET", path: "/a", status: [200], contains: ["hello"], lacks: [] },
  ]);
  expect(parse("---\nworld: { taken: ada.dev }\n---\nGo.").world.taken).toEqual(["ada.dev"]);
  expect(parse("---\nexpect: { bought: acme/names }\n---\nGo.").expect.bought).toEqual([
    "acme/names",
  ]);
});

test("no human policy is not the same as one that names nothing", () => {
  expect(parse("---\n---\nGo.").human).toBeUndefined();
  expect(parse("---\nhuman: {}\n---\nGo.").human).toEqual({});
});

test.each([
  ["an unknown field", '---\nbudgt: "1"\n---\nGo.', "budgt", 2, "did you mean `budget`?"],
  [
    "one inside a list",
    "---\nexpect:\n  url:\n    - pth: /\n---\nGo.",
    "expect.url.0.pth",
    4,
    "`path`",
  ],
  [
    "one inside a union",
    '---\nexpect:\n  spent: { atmost: "1" }\n---\nGo.',
    "expect.spent.atmost",
    3,
    "`at_most`",
  ],
  ["money as a float", "---\nbudget: 25.00\n---\nGo.", "budget", 2, "put it in quotes"],
  ["money in a float's notation", '---\nbudget: "1e3"\n---\nGo.', "budget", 2, "plain digits"],
  ["negative money", '---\nbudget: "-5"\n---\nGo.', "budget", 2, "plain digits"],
  ["too many decimals", '---\nbudget: "0.0000001"\n---\nGo.', "budget", 2, "plain digits"],
  ["empty money", '---\nbudget: ""\n---\nGo.', "budget", 2, "plain digits"],
  [
    "a word that is none of the choices",
    "---\nhuman:\n  terms: maybe\n---\nGo.",
    "human.terms",
    3,
    '"accept"|"decline"',
  ],
  [
    "a path without a slash",
    "---\nexpect:\n  url: { path: a }\n---\nGo.",
    "expect.url.path",
    3,
    "starts with /",
  ],
  ["a field given twice", '---\nbudget: "1"\nbudget: "2"\n---\nGo.', "", 3, "unique"],
  ["broken YAML", '---\nbudget: "1\n---\nGo.', "", 3, "quote"],
  ["an alias without an anchor", "---\nname: *nobody\n---\nGo.", "", 2, "nobody"],
  ["a list for the settings", "---\n- a\n---\nGo.", "", 2, "expected object"],
  ["no front matter", "Just a sentence.", "", 1, "begins with a line"],
  ["a front matter that never ends", "---\nbudget: '1'\n", "", 1, "begins with a line"],
  ["no goal", '---\nbudget: "1"\n---\n\n', "", 5, "goal is missing"],
])("%s is named with its field and line", (_, text, field, line, message) => {
  expect(problemsOf(text)).toEqual([
    { field, line, message: expect.stringContaining(message) as string },
  ]);
});

test("an alias bomb is refused", () => {
  const bomb = `a: &a [${"x,".repeat(10)}]\n${"bcdefghi"
    .split("")
    .map((name, index) => `${name}: &${name} [${`*${"abcdefgh"[index]},`.repeat(10)}]`)
    .join("\n")}`;
  expect(problemsOf(`---\n${bomb}\n---\nGo.`)).not.toEqual([]);
});

test("every problem is told at once, in the order of the file", () => {
  const text = '---\nbudgt: "1"\nhuman:\n  term: accept\nworld:\n  cap: "x"\n---\nGo.';
  expect(problemsOf(text).map(({ line }) => line)).toEqual([2, 4, 6]);
  expect(() => parse(text)).toThrow(
    expect.objectContaining({
      code: "SCENARIO_INVALID",
      details: { file: "stories/page.md", field: "budgt", line: "2" },
    }),
  );
});

test("a file that cannot be read is an error of its own", async () => {
  await expect(readScenario("/nowhere/at-all.md")).rejects.toMatchObject({
    code: "SCENARIO_UNREADABLE",
  });
});

test("a file from an editor that writes a byte order mark and CRLF reads the same", async () => {
  const path = join(await mkdtemp(join(tmpdir(), "purser-")), "crlf.md");
  await writeFile(path, '\uFEFF---\r\nbudget: "3.50"\r\n---\r\n\r\nGo.\r\n');
  expect(await readScenario(path)).toMatchObject({ budget: "3.50", goal: "Go." });
});
