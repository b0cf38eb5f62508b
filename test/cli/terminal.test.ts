/** What a person sees: no control character of a stranger's, colours only where they are wanted, a prompt that cannot hang. */
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { alignTable } from "../../cli/table.ts";
import { progressLine } from "../../cli/progress.ts";
import { summarize } from "../../cli/summary.ts";
import { terminalHuman } from "../../cli/terminal-human.ts";
import { createTerminal, plain, PLAIN } from "../../cli/terminal.ts";
import { LINES, RESULT, STRANGE } from "../scenarios/sample-run.ts";

const CONTROL = /(?!\n)[\p{Cc}\u202E]/u;

function memory(isTTY: boolean) {
  const written: string[] = [];
  return { written, stream: { isTTY, write: (text: string) => written.push(text) > 0 } };
}

function terminal({ tty = false, env = {} }: { tty?: boolean; env?: Record<string, string> } = {}) {
  const out = memory(tty);
  const note = memory(tty);
  const streams = { stdout: out.stream, stderr: note.stream, stdin: { isTTY: tty } };
  return { ...createTerminal({ ...streams, env }), written: note.written };
}

test("a stranger's control characters never reach the terminal", () => {
  expect(plain(STRANGE)).not.toMatch(CONTROL);
  for (const line of LINES) expect(progressLine(line, line.at, PLAIN) ?? "").not.toMatch(CONTROL);
  for (const line of summarize(RESULT, { paint: PLAIN, cwd: "/" }))
    expect(line).not.toMatch(CONTROL);
});

test("a long text is cut, and lines become one", () => {
  expect(plain(`a\n  b\t${"c".repeat(500)}`, 10)).toBe("a b ccccc…");
});

test.each([
  ["in a terminal", true, {}, true],
  ["in a pipe", false, {}, false],
  ["with NO_COLOR", true, { NO_COLOR: "1" }, false],
  ["with an empty NO_COLOR", true, { NO_COLOR: "" }, true],
  ["in a dumb terminal", true, { TERM: "dumb" }, false],
])("colours %s", (_, tty, env, coloured) => {
  expect(terminal({ tty, env }).paint.good("x") !== "x").toBe(coloured);
});

test("the summary of a refusal says why once, and what to do", () => {
  const problem = "nimbus.io costs $50.00, and the budget has left $20.00.";
  const error = { code: "OVER_BUDGET", problem, nextStep: "Raise the budget." };
  const lines = summarize(
    {
      ...RESULT,
      outcome: "refused",
      url: null,
      hostname: null,
      says: problem,
      payments: [],
      error,
    },
    { paint: PLAIN, cwd: "/" },
  );
  expect(lines.filter((line) => line.includes("50.00"))).toHaveLength(1);
  expect(lines.join("\n")).toContain("Raise the budget.");
  expect(lines.join("\n")).toMatch(/Bought +nothing/);
});

test("columns line up", () => {
  expect(
    alignTable([
      ["name", "n"],
      ["a", "10"],
    ]),
  ).toEqual(["name   n", "a     10"]);
});

function human(signal = new AbortController().signal) {
  const input = new PassThrough();
  const output = new PassThrough();
  const asked = terminal();
  return { input, output, asked, human: terminalHuman(asked, { input, output, signal }) };
}

const TERMS = {
  kind: "terms" as const,
  question: `Accept the terms of ${STRANGE}?`,
  facts: { tos_url: `http://127.0.0.1/${STRANGE}` },
};

test.each([
  ["y", "accept"],
  ["YES", "accept"],
  ["", "decline"],
  ["n", "decline"],
])("%o to a yes-or-no question is %s", async (typed, answer) => {
  const { input, asked, human: person } = human();
  input.write(`${typed}\n`);
  expect(await person.ask(TERMS)).toEqual({ answer });
  expect(asked.written.join("")).not.toMatch(CONTROL);
  expect(asked.written.join("")).toContain("tos_url");
});

test("what is neither yes nor no is asked again", async () => {
  const { input, output, human: person } = human();
  const typed = ["maybe", "yes"];
  output.on("data", (text: Buffer) => {
    if (text.toString().includes("Accept?")) input.write(`${typed.shift()}\n`);
  });
  expect(await person.ask(TERMS)).toEqual({ answer: "accept" });
  expect(typed).toEqual([]);
});

test("a question is answered in words, or by the number of a choice", async () => {
  const ask = { kind: "question" as const, question: "Which?", choices: ["red", "blue"] };
  const { input, human: person } = human();
  input.write("2\n");
  expect(await person.ask(ask)).toEqual({ answer: "blue" });
  input.write("green, please\n");
  expect(await person.ask(ask)).toEqual({ answer: "green, please" });
});

test("a closed stdin is a no, an interrupt is no answer at all", async () => {
  const closed = human();
  closed.input.end();
  expect(await closed.human.ask(TERMS)).toEqual({ answer: "decline" });
  const controller = new AbortController();
  const interrupted = human(controller.signal);
  const answer = interrupted.human.ask(TERMS);
  controller.abort();
  await expect(answer).rejects.toThrow(/abort/i);
});
