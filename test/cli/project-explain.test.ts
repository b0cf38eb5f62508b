/** A stranger's word never becomes a command line that an agent runs, unless it can be nothing but a service's name. */
import { expect, test } from "vitest";
import { explain } from "../../cli/project/explain.ts";
import { PurserError } from "../../protocol/index.ts";

const text = { problem: "A plan is needed.", nextStep: "Add one." };
const told = (code: string, details: Record<string, string>) =>
  explain(new PurserError(code, { ...text, details }), { tool: "purser", address: undefined });

test("the plans that are asked for are offered as command lines", () => {
  expect(told("PLAN_REQUIRED", { plan: "acme/free,acme/pro:2" })).toMatchObject({
    code: "PLAN_REQUIRED",
    nextSteps: ["purser add acme/free", "purser add acme/pro:2"],
  });
});

test.each(["acme/free; rm -rf ~", "acme/$(id)", "-y", "acme/a b", "acme/--yes", "`id`/x", ""])(
  "%j is not",
  (plan) => {
    expect(told("PLAN_REQUIRED", { plan })).toMatchObject({ nextSteps: [] });
    expect(told("NOT_CONNECTED", { provider: plan })).toMatchObject({
      nextSteps: ["purser link <provider>"],
    });
  },
);
