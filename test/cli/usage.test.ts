/** What is wrong on the command line is told at once, with exit code 2, and with nothing started or written. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commandLine } from "../support/command-line.ts";
import { temporaryFolder } from "../support/temporary.ts";

const LANDING = join(process.cwd(), "scenarios/landing-page.md");

test.each([
  ["no goal", ["run"], "USAGE"],
  ["an empty goal", ["run", " "], "USAGE"],
  ["a budget in a float's notation", ["run", LANDING, "--budget", "1e3"], "BUDGET_INVALID"],
  ["a negative budget", ["run", LANDING, "--budget", "-5"], "BUDGET_INVALID"],
  ["a negative budget after =", ["run", LANDING, "--budget=-5"], "BUDGET_INVALID"],
  ["a budget of less than a unit", ["run", LANDING, "--budget", "0.0000001"], "BUDGET_INVALID"],
  ["an empty budget", ["run", LANDING, "--budget", ""], "BUDGET_INVALID"],
  ["a budget with a comma", ["run", LANDING, "--budget", "25,00"], "BUDGET_INVALID"],
  ["a budget nobody means", ["run", LANDING, "--budget", "9".repeat(40)], "BUDGET_INVALID"],
  ["a scenario that is not there", ["run", "nowhere.md"], "SCENARIO_UNREADABLE"],
  ["a folder for a scenario", ["run", "/"], "SCENARIO_UNREADABLE"],
  ["an unknown field", ["run", "unknown-field.md"], "SCENARIO_INVALID"],
  ["a folder of files that is not there", ["run", "no-files.md"], "FILES_UNREADABLE"],
  ["an unknown model", ["run", LANDING, "--model", "gpt-9"], "MODEL_UNKNOWN"],
  ["a model without its key", ["run", LANDING, "--model", "openai:gpt-5"], "MODEL_KEY_MISSING"],
  ["a provider that is no URL", ["run", LANDING, "--provider", "acme"], "URL_INVALID"],
  [
    "a provider with a password",
    ["run", LANDING, "--provider", "http://a:b@127.0.0.1"],
    "URL_INVALID",
  ],
  ["both --keep and --once", ["run", LANDING, "--keep", "--once"], "USAGE"],
  ["both --out and --resume", ["run", LANDING, "--out", "a", "--resume", "b"], "USAGE"],
  ["nothing to resume", ["run", "--resume", "nowhere"], "RESUME_UNKNOWN"],
  ["a world nobody made", ["run", LANDING, "--world", "nowhere"], "USAGE"],
  ["an unknown option", ["run", LANDING, "--budgt", "1"], "USAGE"],
  ["an unknown command", ["fly"], "USAGE"],
  ["two goals", ["run", "a b", "c d"], "USAGE"],
  ["no address", ["fund"], "USAGE"],
  ["half an address", ["fund", "0x12"], "ADDRESS_INVALID"],
  ["a world that is not there", ["fund", `0x${"11".repeat(20)}`], "USAGE"],
  ["no epochs", ["eval", LANDING, "--epochs", "0"], "COUNT_INVALID"],
  ["an unknown agent", ["eval", LANDING, "--agent", "greedy"], "USAGE"],
  ["an agent and a model", ["eval", LANDING, "--agent", "noop", "--model", "planner"], "USAGE"],
  ["the same scenario twice", ["eval", LANDING, LANDING], "USAGE"],
  ["a name that is no name", ["scenario", "new", "../x"], "USAGE"],
])("%s", async (_, args, code) => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "unknown-field.md"), '---\nbudgt: "1"\n---\nGo.');
  writeFileSync(join(folder.path, "no-files.md"), "---\nworld: { files: nowhere }\n---\nGo.");
  const before = readdirSync(folder.path);
  const ended = await commandLine([...args, "--json"], { cwd: folder.path });
  expect(ended.code).toBe(2);
  expect(JSON.parse(ended.stdout)).toMatchObject({
    passed: false,
    error: {
      code,
      problem: expect.stringMatching(/\w/) as string,
      nextStep: expect.stringMatching(/\w/) as string,
    },
  });
  expect(readdirSync(folder.path)).toEqual(before);
});

test("without --json, stdout stays empty and stderr says what to do", async () => {
  const ended = await commandLine(["run", "nowhere.md"]);
  expect(ended).toMatchObject({ code: 2, stdout: "" });
  expect(ended.stderr).toContain("SCENARIO_UNREADABLE");
  expect(ended.stderr).toContain("purser scenario new");
});

test("a mistyped option is told with the one that was meant", async () => {
  const ended = await commandLine(["run", LANDING, "--budgt", "1"]);
  expect(ended.stderr).toContain("--budget");
});

test("every command explains itself", async () => {
  for (const command of [
    [],
    ["run"],
    ["up"],
    ["fund"],
    ["eval"],
    ["scenario"],
    ["scenario", "lint"],
  ]) {
    const { code, stdout } = await commandLine([...command, "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: purser/);
  }
});

test("it tells its version", async () => {
  expect(await commandLine(["--version"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
  });
});

test("lint names file and line, and passes what is right", async () => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "bad.md"), '---\nbudget: "x"\n---\nGo.');
  const { cwd } = { cwd: folder.path };
  const bad = await commandLine(["scenario", "lint", LANDING, "bad.md"], { cwd });
  expect(bad.code).toBe(2);
  expect(bad.stdout).toContain("bad.md:2: `budget`");
  expect((await commandLine(["scenario", "new", "mine"], { cwd })).code).toBe(0);
  expect((await commandLine(["scenario", "lint", "mine.md"], { cwd })).code).toBe(0);
  expect((await commandLine(["scenario", "new", "mine"], { cwd })).code).toBe(2);
});
