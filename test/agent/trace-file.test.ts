import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTrace, readTrace } from "../../agent/index.ts";
import { PurserError, Secret, type TraceEvent } from "../../protocol/index.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "purser-trace-"));
  path = join(folder, "trace.jsonl");
});
afterEach(() => rm(folder, { recursive: true }));

const stage = (name: string): TraceEvent => ({ type: "stage", name });

test("a line is on disk before append returns, with the time it was given", async () => {
  using trace = openTrace(path, { now: () => 7 });
  trace.append(stage("deploy"));
  expect(await readFile(path, "utf8")).toBe('{"at":7,"type":"stage","name":"deploy"}\n');
});

test("only its owner can read a trace", async () => {
  openTrace(path).close();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("a reopened trace goes on where it stopped", () => {
  for (const name of ["one", "two"]) {
    using trace = openTrace(path);
    trace.append(stage(name));
  }
  expect(readTrace(path)).toMatchObject([{ name: "one" }, { name: "two" }]);
});

test("a torn last line is passed over, and cut off before the next is written", async () => {
  using first = openTrace(path);
  first.append(stage("one"));
  first.close();
  await appendFile(path, '{"at":9,"type":"sta');
  expect(readTrace(path)).toMatchObject([{ name: "one" }]);
  using second = openTrace(path);
  second.append(stage("two"));
  expect(readTrace(path)).toMatchObject([{ name: "one" }, { name: "two" }]);
});

test.each([
  ["that is not there", undefined],
  ["with a broken line in the middle", '{"at":1}\nnonsense\n{"at":2}\n'],
])("a trace %s is TRACE_UNREADABLE", async (_, text) => {
  if (text !== undefined) await writeFile(path, text);
  expect(() => readTrace(path)).toThrow(expect.objectContaining({ code: "TRACE_UNREADABLE" }));
});

test("secrets are kept out by their type, and by the name of their field", async () => {
  using trace = openTrace(path);
  const input = {
    token: new Secret("canary-1"),
    headers: { Authorization: "Bearer canary-2", "X-PAYMENT": "canary-3" },
    nested: [{ access_token: "canary-4", signature: "canary-5" }],
    amount: 5n,
    error: new PurserError("OOPS", { problem: "It broke.", nextStep: "Mend it." }),
  };
  trace.append({ type: "tool", name: "x", input, durationMs: 1 });
  const text = await readFile(path, "utf8");
  expect(text).not.toContain("canary");
  expect(readTrace(path)).toMatchObject([
    { input: { token: "[secret]", amount: "5", error: { code: "OOPS" } } },
  ]);
});

test("an event after the end is dropped, and breaks nothing", () => {
  const trace = openTrace(path);
  trace.close();
  trace.append(stage("late"));
  expect(readTrace(path)).toEqual([]);
});
