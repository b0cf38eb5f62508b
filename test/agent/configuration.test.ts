import { expect, test } from "vitest";
import { describeConfiguration } from "../../agent/tools/configuration.ts";

test("what a model may choose from is texts, also where the schema lists numbers and booleans", () => {
  const size = { enum: [1, "5", true, null, ["25"], "<script>"] };
  expect(describeConfiguration({ properties: { size }, required: ["size"] })).toEqual([
    { name: "size", required: true, choices: ["1", "5", "true"] },
  ]);
});
