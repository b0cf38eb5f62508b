/** `purser check list`, `explain` and `diff`: the cases as a text to read, and two reports beside each other. */
import { readFileSync } from "node:fs";
import {
  type Case,
  AGENT_CASES,
  CASES,
  CLIENT_CASES,
  type ClientCase,
  ConformanceError,
  diffReports,
  LEFT_OUT,
  LEVELS,
  type Report,
  ReportSchema,
} from "../conformance/index.ts";
import { readPath } from "./arguments.ts";
import { UsageError } from "./exit.ts";
import type { Surroundings } from "./surroundings.ts";
import { plain } from "./terminal.ts";

/** For endpoints, then for clients and agents. */
const ALL: readonly (Case | ClientCase)[] = [...CASES, ...CLIENT_CASES, ...AGENT_CASES];

export function listCommand(leftOut: boolean, { terminal, json }: Surroundings): 0 {
  if (leftOut) return listLeftOut({ terminal, json });
  if (json) {
    const cases = ALL.map(dataOf);
    terminal.out(JSON.stringify(cases, undefined, 2));
    return 0;
  }
  for (const { id, title, level, ring, severity } of ALL) {
    terminal.out(`${id.padEnd(9)} ring ${ring}  ${level.padEnd(7)} ${severity.padEnd(8)} ${title}`);
  }
  terminal.out(`${ALL.length} cases. \`purser check explain <id>\` tells more of one.`);
  return 0;
}

function listLeftOut({ terminal, json }: Pick<Surroundings, "terminal" | "json">): 0 {
  if (json) terminal.out(JSON.stringify(LEFT_OUT, undefined, 2));
  else
    for (const { id, title, reason } of LEFT_OUT)
      terminal.out(`${id.padEnd(9)} ${title}\n          ${reason}`);
  return 0;
}

export function explainCommand(text: string, { terminal, json }: Surroundings): 0 {
  const found = ALL.find(({ id }) => id === text.toUpperCase());
  const missing = LEFT_OUT.find(({ id }) => id === text.toUpperCase());
  if (missing) {
    if (json) terminal.out(JSON.stringify(missing, undefined, 2));
    else terminal.out(`${missing.id} ${missing.title}\nIt is left out: ${missing.reason}`);
    return 0;
  }
  if (!found) {
    throw new UsageError("USAGE", {
      problem: `No case is called "${plain(text, 40)}".`,
      nextStep: "Look at `purser check list`.",
    });
  }
  if (json) {
    terminal.out(JSON.stringify(dataOf(found), undefined, 2));
    return 0;
  }
  const { paint, out } = terminal;
  const { id, title, level, severity, ring, profiles, basis, gains, mend, cwe } = found;
  out(paint.bold(`${id} ${title}`));
  out(
    `${LEVELS[level].label}; ${severity}; ring ${ring}; ${profiles === "any" ? "every profile" : profiles.join(", ")}${cwe === undefined ? "" : `; CWE-${cwe}`}`,
  );
  const words = basis.paraphrased ? " (in our words)" : "";
  out(
    `\nWhere: ${basis.spec}, ${basis.section}\n       ${basis.quote}${words}\n       ${basis.url}`,
  );
  out(`\nWhat it costs: ${gains}\n\nTo mend it: ${mend.split("\n").join("\n            ")}`);
  return 0;
}

const CHECKS = ["run", "traps", "twin", "findFault"];

/** Everything of a case but its check. */
function dataOf(found: Case | ClientCase): object {
  return Object.fromEntries(Object.entries(found).filter(([name]) => !CHECKS.includes(name)));
}

export function diffCommand(
  before: string,
  after: string,
  { terminal, json, cwd }: Surroundings,
): 0 | 1 {
  const diff = diffReports(readReport(readPath(before, cwd)), readReport(readPath(after, cwd)));
  if (json) terminal.out(JSON.stringify(diff, undefined, 2));
  else {
    for (const { id, profile, before: was, after: is, better } of diff.changes) {
      const colour =
        better === undefined
          ? terminal.paint.dim
          : better
            ? terminal.paint.good
            : terminal.paint.bad;
      terminal.out(
        `${colour(better === undefined ? "other " : better ? "better" : "worse ")} ${id} (${profile}): ${was ?? "not run"} → ${is ?? "not run"}`,
      );
    }
    terminal.out(
      diff.changes.length === 0
        ? "Every verdict is the same."
        : `${diff.changes.length} verdicts changed.`,
    );
  }
  return diff.worse ? 1 : 0;
}

function readReport(path: string): Report {
  try {
    return ReportSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new ConformanceError("CHECK_FILE_INVALID", {
      problem: `${path} is not a report of purser check.`,
      nextStep: "Write one with --report json; it is report.json in the folder of --out.",
      cause,
    });
  }
}
