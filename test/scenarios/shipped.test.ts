/** What ships with the package: the scenarios, their schema and the page that explains them agree with the code. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  fillVocabulary,
  parseScenario,
  readScenario,
  SCENARIO_TEMPLATE,
  scenarioJsonSchema,
} from "../../scenarios/index.ts";

const files = readdirSync("scenarios").filter((name) => name.endsWith(".md"));

test.each(files)("%s is a valid scenario, and says what it shows", async (file) => {
  const { description, human } = await readScenario(`scenarios/${file}`);
  expect(description).toBeTruthy();
  expect(human, "an unattended run must not depend on who starts it").toBeDefined();
});

test("every attack has a safe twin", () => {
  const attacks = files.filter((file) => file.startsWith("attack-"));
  expect(attacks).toHaveLength(3);
  expect(files).toEqual(
    expect.arrayContaining(attacks.map((file) => file.replace("attack-", "twin-"))),
  );
});

test("the JSON Schema is current: run `node scripts/scenario-schema.ts`", () => {
  const committed: unknown = JSON.parse(readFileSync("scenarios/scenario.schema.json", "utf8"));
  expect(committed).toEqual(JSON.parse(scenarioJsonSchema()));
});

test("the reference page is current: run `node scripts/scenario-schema.ts`", () => {
  const page = readFileSync("docs/scenarios.md", "utf8");
  // The formatter lines up the table's columns.
  const unaligned = (text: string) =>
    text
      .replace(/ +/g, " ")
      .replace(/-{3,}/g, "---")
      .replace(/\| ?---( ?)/g, "|---");
  expect(unaligned(page)).toBe(unaligned(fillVocabulary(page)));
  expect(page).toContain("| `expect.spent.at_most` ");
});

test("what `scenario new` writes is valid, and so is the page's example", () => {
  const page = readFileSync("docs/scenarios.md", "utf8");
  const [, example = ""] = /```markdown\n([\s\S]*?)```/.exec(page) ?? [];
  for (const text of [SCENARIO_TEMPLATE, example]) {
    expect(parseScenario(text, { path: "new.md" }).expect.domain).toEqual(["nimbus.dev"]);
  }
});
