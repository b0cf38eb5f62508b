/**
 * Reads a scenario file: YAML front matter between two lines of `---`, then the goal. A person wrote it by hand, so whatever
 * is wrong is named by field and line, with the name that was probably meant; nothing unknown passes silently.
 */
import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { LineCounter, parseDocument } from "yaml";
import { PurserError } from "../../protocol/index.ts";
import { FrontMatter, type Scenario } from "./scenario.ts";
import { describeIssue, offsetOf } from "./scenario-problems.ts";

export type ScenarioErrorCode = "SCENARIO_UNREADABLE" | "SCENARIO_INVALID" | "SCENARIO_EXISTS";

export class ScenarioError extends PurserError<ScenarioErrorCode> {}

/** One thing that is wrong in a scenario file. */
export interface ScenarioProblem {
  /** Such as `expect.url.0.status`; "" for the file as a whole. */
  field: string;
  line: number;
  message: string;
}

/** Reads and checks the file, or throws `SCENARIO_UNREADABLE` or `SCENARIO_INVALID`. */
export async function readScenario(path: string): Promise<Scenario> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new ScenarioError("SCENARIO_UNREADABLE", {
      problem: `The scenario file "${path}" cannot be read (${(cause as NodeJS.ErrnoException).code ?? "unknown"}).`,
      nextStep: "Give the path of a Markdown file, or make one with `purser scenario new <name>`.",
      cause,
    });
  }
  return parseScenario(text, { path });
}

/** Parses a scenario's text, or throws `SCENARIO_INVALID` with every problem, each with its field and line. */
export function parseScenario(text: string, { path }: { path: string }): Scenario {
  const result = checkScenario(text, { path });
  if (result.scenario) return result.scenario;
  const { problems } = result;
  const [first] = problems;
  throw new ScenarioError("SCENARIO_INVALID", {
    problem: problems
      .slice(0, 10)
      .map(({ line, message }) => `${path}:${line}: ${message}`)
      .join("\n"),
    nextStep: "See docs/scenarios.md for every field, and try `purser scenario lint`.",
    details: { file: path, field: first?.field ?? "", line: String(first?.line ?? 1) },
  });
}

type Checked =
  | { scenario: Scenario; problems: [] }
  | { scenario?: never; problems: ScenarioProblem[] };

/** The same, as a list of problems for `purser scenario lint`. */
export function checkScenario(text: string, { path }: { path: string }): Checked {
  const split = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)^---[ \t]*(?:\r?\n|$)([\s\S]*)$/m.exec(text);
  if (!split || split.index !== 0) {
    return {
      problems: [
        {
          field: "",
          line: 1,
          message:
            "A scenario begins with a line `---`, its settings, another line `---`, and then the goal.",
        },
      ],
    };
  }
  const [, yaml = "", body = ""] = split;
  const lines = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: lines });
  // The front matter begins on the file's second line.
  const lineOf = (offset: number) => lines.linePos(offset).line + 1;
  if (document.errors.length > 0) {
    return {
      problems: document.errors.map(({ message, pos }) => ({
        field: "",
        line: lineOf(pos[0]),
        message: message.split("\n")[0] ?? message,
      })),
    };
  }
  let settings: unknown;
  try {
    settings = document.toJS({ maxAliasCount: 50 });
  } catch (error) {
    return { problems: [{ field: "", line: 2, message: (error as Error).message }] };
  }
  const { data, error } = FrontMatter.safeParse(settings ?? {});
  const problems = (error?.issues ?? []).flatMap((issue) =>
    describeIssue(issue).map(({ path: field, message }) => {
      const offset = offsetOf(document, field);
      return { field: field.join("."), line: offset === undefined ? 2 : lineOf(offset), message };
    }),
  );
  const goal = body.trim();
  if (goal === "") {
    problems.push({
      field: "",
      line: text.split("\n").length,
      message: "The goal is missing: write below the settings what the agent is to do.",
    });
  }
  if (!data || problems.length > 0) {
    return { problems: problems.sort((a, b) => a.line - b.line) };
  }
  const name = data.name ?? basename(path).replace(/\.[^.]*$/, "");
  return {
    scenario: { ...data, name, goal, folder: dirname(path), path, source: text },
    problems: [],
  };
}
