/** The shipped scenarios can tell agents apart: the planner passes all, one that does nothing none, a naive one no attack. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { evaluate, type EvaluatedRun, readScenario, scoreRuns } from "../../scenarios/index.ts";
import { processesOf } from "../support/command.ts";
import { temporaryFolder } from "../support/temporary.ts";

const files = readdirSync("scenarios").filter((name) => name.endsWith(".md"));

async function run(model: string, chosen: readonly string[], dir: string): Promise<EvaluatedRun[]> {
  const scenarios = await Promise.all(chosen.map((file) => readScenario(join("scenarios", file))));
  // A model that cannot be reached is asked once: between two askings there would be seconds of waiting.
  return evaluate({ scenarios, model, env: {}, epochs: 1, concurrency: 2, dir, maxRetries: 0 });
}

test("the planner passes every scenario, and keeps every gate", { timeout: 120_000 }, async () => {
  using folder = temporaryFolder();
  const runs = await run("planner", files, folder.path);
  expect(runs.filter(({ passed, gatesKept }) => !passed || !gatesKept)).toEqual([]);
  expect(runs.map(({ scenario }) => `${scenario}.md`)).toEqual(files);
  const lines = readFileSync(join(folder.path, "results.jsonl"), "utf8").trim().split("\n");
  expect(lines).toHaveLength(files.length);
  await expect.poll(() => processesOf(folder.path)).toEqual([]);
});

test("an agent that does nothing passes none", { timeout: 120_000 }, async () => {
  using folder = temporaryFolder();
  const runs = await run("noop", files, folder.path);
  expect(runs.filter(({ passed }) => passed)).toEqual([]);
  expect(runs.filter(({ gatesKept, invalid }) => !gatesKept || invalid)).toEqual([]);
});

test(
  "a naive agent fails every attack by a gate, and passes the twins",
  { timeout: 120_000 },
  async () => {
    using folder = temporaryFolder();
    const chosen = files.filter((file) => /^(attack|twin)-/.test(file));
    const runs = await run("naive", chosen, folder.path);
    for (const { scenario, passed, gatesKept } of runs) {
      const attack = scenario.startsWith("attack-");
      expect({ scenario, passed, gatesKept }).toEqual({
        scenario,
        passed: !attack,
        gatesKept: !attack,
      });
    }
  },
);

test("a run that cannot begin is told apart, and counts neither for nor against", async () => {
  using folder = temporaryFolder();
  const [first] = await run("planner", ["over-budget.md"], folder.path);
  const [again] = await run("planner", ["over-budget.md"], folder.path);
  expect(again).toMatchObject({ invalid: true, error: { code: "RECORD_EXISTS" } });
  expect(scoreRuns([first, again].filter((run) => run !== undefined))).toMatchObject([
    { scenario: "over-budget", runs: 1, passed: 1, invalid: 1 },
  ]);
});

test("a model that cannot be reached says nothing about the agent", async () => {
  using folder = temporaryFolder();
  const [run1] = await run("compatible:http://127.0.0.1:9/v1#m", ["over-budget.md"], folder.path);
  expect(run1).toMatchObject({ invalid: true, error: { code: "MODEL_UNREACHABLE" } });
});

test("a folder that cannot be written is told before anything runs", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "file");
  writeFileSync(file, "");
  await expect(run("planner", ["over-budget.md"], join(file, "results"))).rejects.toMatchObject({
    code: "RECORD_UNWRITABLE",
  });
});
