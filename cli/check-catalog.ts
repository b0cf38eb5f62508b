/** `purser check list`, `explain` and `diff`: the cases as a text to read, and two reports beside each other. */
import { fileURLToPath } from "node:url";
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
  type ReportDiff,
  ReportSchema,
} from "../conformance/index.ts";
import { readPath } from "./arguments.ts";
import { readProfiles, readRing } from "./check-options.ts";
import type { ListFlags } from "./check-program.ts";
import { UsageError } from "./exit.ts";
import { readGivenFile } from "./given-file.ts";
import type { Surroundings } from "./surroundings.ts";
import { findPackage } from "./package.ts";
import { plain, type Terminal } from "./terminal.ts";

type Basis = Case["basis"];

/** For endpoints, then for clients and agents. */
const ALL: readonly (Case | ClientCase)[] = [...CASES, ...CLIENT_CASES, ...AGENT_CASES];

export function listCommand(
  { ring: ringText, profile, leftOut = false }: ListFlags,
  { terminal, json }: Pick<Surroundings, "terminal" | "json">,
): 0 {
  const ring = ringText === undefined ? undefined : readRing(ringText);
  const profiles = readProfiles(profile);
  if (leftOut) return listLeftOut({ terminal, json });
  const chosen = ALL.filter(
    (each) =>
      (ring === undefined || each.ring === ring) &&
      (profiles === undefined ||
        each.profiles === "any" ||
        each.profiles.some((one) => profiles.includes(one))),
  );
  if (json) {
    terminal.out(JSON.stringify(chosen.map(dataOf), undefined, 2));
    return 0;
  }
  for (const { id, title, level, ring: own, severity } of chosen) {
    terminal.out(`${id.padEnd(9)} ring ${own}  ${level.padEnd(7)} ${severity.padEnd(8)} ${title}`);
  }
  terminal.out(`${chosen.length} cases. \`purser check explain <id>\` tells more of one.`);
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
  const where = isOurs(basis) ? basis.spec : `${basis.spec}, ${basis.section}`;
  out(`\nWhere: ${where}\n       ${basis.quote}${words}\n       ${placeOf(basis)}`);
  out(`\nWhat it costs: ${gains}\n\nTo mend it: ${mend.split("\n").join("\n            ")}`);
  return 0;
}

/** What no specification says stands in our own documentation, which comes with the package. */
const isOurs = ({ url }: Basis) => !url.startsWith("https:");

/** Where a person can read it: a link, or a file on this machine. */
function placeOf(basis: Basis): string {
  const root = findPackage()?.root;
  if (!isOurs(basis) || !root) return basis.url;
  const [path = "", section = ""] = basis.url.split("#");
  return `${fileURLToPath(new URL(path, root))}, "${section.replaceAll("-", " ")}"`;
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
): 0 | 1 | 2 {
  const diff = diffReports(readReport(readPath(before, cwd)), readReport(readPath(after, cwd)));
  if (json) terminal.out(JSON.stringify(diff, undefined, 2));
  else tellDiff(diff, terminal);
  if (diff.worse) return 1;
  return diff.lost ? 2 : 0;
}

function tellDiff({ changes, worse, lost }: ReportDiff, { out, paint }: Terminal): void {
  const paints = { worse: paint.bad, lost: paint.warn, better: paint.good, other: paint.dim };
  for (const { id, profile, route, before, after, kind, seen } of changes) {
    const where = route === undefined ? profile : `${profile}, ${route}`;
    const why = kind === "lost" && seen !== undefined ? `: ${plain(seen, 300)}` : "";
    out(
      `${paints[kind](kind.padEnd(6))} ${id} (${plain(where, 320)}): ${before ?? "not run"} → ${after ?? "not run"}${why}`,
    );
  }
  const count = changes.length;
  if (count === 0) out("Every verdict is the same.");
  else out(`${count} ${count === 1 ? "verdict" : "verdicts"} changed.`);
  if (lost && !worse)
    out("Nothing got worse, but what is lost was judged before and is not now: see why above.");
}

function readReport(path: string): Report {
  const nextStep = "Write one with --report json; it is report.json in the folder of --out.";
  const text = readGivenFile(path, nextStep);
  try {
    return ReportSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ConformanceError("CHECK_FILE_INVALID", {
      problem: `${path} is not a report of purser check.`,
      nextStep,
      cause,
    });
  }
}
