import { streamText, type ToolSet } from "ai";
import { z } from "zod";
import { expect, test } from "vitest";
import { plannerModel } from "../../agent/planner/planner-model.ts";

const GOAL = "Put a landing page for Nimbus Coffee on nimbus.dev.";
const tools: ToolSet = Object.fromEntries(
  ["search_catalog", "look_at_project", "finish"].map((name) => [
    name,
    { description: name, inputSchema: z.looseObject({}) },
  ]),
);

test("a planner streams the same decision that it gives at once", async () => {
  const { stream } = await plannerModel().doStream({
    prompt: [{ role: "user", content: [{ type: "text", text: GOAL }] }],
    tools: Object.keys(tools).map((name) => ({ type: "function", name, inputSchema: {} })),
  });
  const parts: { type: string }[] = [];
  for await (const part of stream) parts.push(part);
  expect(parts.map(({ type }) => type)).toEqual([
    "stream-start",
    "text-start",
    "text-delta",
    "text-end",
    "tool-call",
    "tool-call",
    "finish",
  ]);
});

test("a planner works wherever the SDK takes a model, also streaming", async () => {
  const result = streamText({ model: plannerModel(), tools, prompt: GOAL });
  const calls = await result.toolCalls;
  expect(calls.map(({ toolName, input }) => [toolName, input as unknown])).toEqual([
    ["search_catalog", { domains: ["nimbus.dev"] }],
    ["look_at_project", {}],
  ]);
  expect(await result.finishReason).toBe("tool-calls");
});

test("a planner calls no tool that is not on offer", async () => {
  const { content, finishReason } = await plannerModel().doGenerate({
    prompt: [{ role: "user", content: [{ type: "text", text: GOAL }] }],
  });
  expect(content).toMatchObject([{ type: "text" }]);
  expect(finishReason.unified).toBe("stop");
});
