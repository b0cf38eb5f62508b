import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { resolveModel } from "../../agent/index.ts";
import { PAYMENT, RUN_TOKEN } from "./desk-double.ts";
import { LANDING_SCRIPT, openModel, USAGE } from "./model-double.ts";
import { openTestWorld, run } from "./run.ts";
import { SHOP_TOKEN } from "./shop-double.ts";

const GOAL = "Put a landing page for Nimbus Coffee on nimbus.dev.";
const KEY = "sk-canary-key-of-the-model-5512";

const WIRES = [
  [
    "the Responses API",
    (url: string) => ["openai:gpt-test", { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: url }] as const,
  ],
  ["chat completions", (url: string) => [`compatible:${url}#test`, {}] as const],
] as const;

test.each(WIRES)("a model behind %s takes a goal to a live page", async (_, nameOf) => {
  await using world = await openTestWorld();
  await using double = await openModel(LANDING_SCRIPT);
  const [name, env] = nameOf(double.baseUrl);
  const { model } = await resolveModel(name, { env });
  const result = await run(world.desk, GOAL, { model, modelName: name });
  expect(result).toMatchObject({
    outcome: "live",
    hostname: "nimbus.dev",
    steps: LANDING_SCRIPT.length,
    tokens: {
      input: USAGE.input * LANDING_SCRIPT.length,
      output: USAGE.output * LANDING_SCRIPT.length,
    },
    modelCost: null,
    toolErrors: 0,
  });
  expect(await (await fetch(result.url ?? "")).text()).toContain("Nimbus Coffee");
});

test.each(WIRES)(
  "no secret reaches a model behind %s, its trace or its result",
  async (_, nameOf) => {
    await using world = await openTestWorld({ shop: { echoes: true } });
    await using double = await openModel(LANDING_SCRIPT);
    const [name, env] = nameOf(double.baseUrl);
    const { model } = await resolveModel(name, { env });
    const result = await run(world.desk, GOAL, { model, modelName: name });
    expect(result.outcome).toBe("live");
    const seen = double.sent() + JSON.stringify(result);
    for (const canary of [RUN_TOKEN, SHOP_TOKEN, PAYMENT, KEY]) expect(seen).not.toContain(canary);
    expect(seen).toContain("[secret]");
  },
);

test("a model that stops without finishing is asked once more, and then the run has failed", async () => {
  await using world = await openTestWorld();
  await using double = await openModel([]);
  const { model } = await resolveModel(`compatible:${double.baseUrl}#test`, { env: {} });
  const result = await run(world.desk, GOAL, { model });
  expect(result).toMatchObject({
    outcome: "failed",
    stopReason: "no_tool_call",
    error: { code: "RUN_UNFINISHED" },
  });
});

test("a model that never finishes runs out of steps", async () => {
  await using world = await openTestWorld();
  const forever = Array.from({ length: 10 }, () => ({
    calls: [["look_at_project", {}]] as [string, object][],
  }));
  await using double = await openModel(forever);
  const { model } = await resolveModel(`compatible:${double.baseUrl}#test`, { env: {} });
  const result = await run(world.desk, GOAL, { model, maxSteps: 4 });
  expect(result).toMatchObject({ outcome: "failed", stopReason: "step_limit", steps: 4 });
});

test("a model that calls a tool wrongly is told so and may go on", async () => {
  await using world = await openTestWorld();
  await using double = await openModel([
    { calls: [["check_domain", { domain: 7 }]] },
    { calls: [["no_such_tool", {}]] },
    { calls: [["finish", { outcome: "live" }]] },
    { calls: [["finish", { outcome: "failed", reason: "I lost my way." }]] },
  ]);
  const { model } = await resolveModel(`compatible:${double.baseUrl}#test`, { env: {} });
  const result = await run(world.desk, GOAL, { model });
  expect(result).toMatchObject({ outcome: "failed", reason: "I lost my way.", steps: 4 });
  expect(double.sent()).toContain("NOT_LIVE");
});

test.each([
  [401, "MODEL_KEY_REFUSED"],
  [429, "MODEL_BUSY"],
  [500, "MODEL_BUSY"],
  [404, "MODEL_FAILED"],
])("a model that answers %i ends the run with %s", async (status, code) => {
  await using world = await openTestWorld();
  await using double = await openModel(LANDING_SCRIPT);
  const message = `Incorrect API key provided: ${KEY}`;
  double.mock.nextRequestError(status, { message });
  const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: double.baseUrl };
  const { model } = await resolveModel("openai:gpt-test", { env });
  const result = await run(world.desk, GOAL, { model });
  expect(result).toMatchObject({ outcome: "failed", stopReason: "model_error", error: { code } });
  expect(JSON.stringify(result)).not.toContain(KEY);
  expect(JSON.stringify(result)).not.toMatch(/\bat .*\.ts:\d/);
});

test("a model that does not answer ends the run with MODEL_UNREACHABLE", async () => {
  await using world = await openTestWorld();
  const { model } = await resolveModel("compatible:http://127.0.0.1:9/v1#test", { env: {} });
  const result = await run(world.desk, GOAL, { model });
  expect(result).toMatchObject({ outcome: "failed", error: { code: "MODEL_UNREACHABLE" } });
});

test("a model that hangs is given up when the run's time is over", async () => {
  await using world = await openTestWorld();
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const name = `compatible:http://127.0.0.1:${port}/v1#test`;
  const { model } = await resolveModel(name, { env: {} });
  const result = await run(world.desk, GOAL, { model, timeoutMs: 50 });
  server.closeAllConnections();
  server.close();
  expect(result).toMatchObject({
    outcome: "failed",
    stopReason: "timeout",
    error: { code: "RUN_TIMEOUT" },
  });
});

test("a cancelled run says so", async () => {
  await using world = await openTestWorld();
  const result = await run(world.desk, GOAL, { signal: AbortSignal.abort() });
  expect(result).toMatchObject({ stopReason: "cancelled", error: { code: "RUN_CANCELLED" } });
});

test.each([
  ["gpt-4o", "a bare name, which the SDK would send to a gateway"],
  ["", "an empty name"],
  ["compatible:not-a-url#x", "a base URL that is none"],
  ["compatible:http://127.0.0.1:1/v1", "no id"],
  ["compatible:http://user:password@127.0.0.1:1/v1#x", "a password in the name"],
  ["anthropic:claude", "a provider that is not built in"],
])("refuses the model name %j: %s", async (name) => {
  await expect(resolveModel(name, { env: {} })).rejects.toMatchObject({
    code: "MODEL_UNKNOWN",
    nextStep: expect.stringContaining(
      "planner, naive, noop, openai:<id>, compatible:<base URL>#<id>",
    ),
  });
});

test("needs a key for OpenAI, and says what needs none", async () => {
  await expect(resolveModel("openai:gpt-test", { env: {} })).rejects.toMatchObject({
    code: "MODEL_KEY_MISSING",
    nextStep: expect.stringContaining("planner"),
  });
});
