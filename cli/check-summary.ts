/** How a test is told in a terminal: a line for each finding as it is found, then what to mend, worst first. */
import {
  citation,
  routeText,
  type Report,
  type Result,
  scopeOf,
  subjectOf,
  VERDICTS,
} from "../conformance/index.ts";
import { plain, type Terminal } from "./terminal.ts";

const OUTCOMES: Readonly<Record<Report["outcome"], string>> = {
  passed: "Nothing failed.",
  failed: "It does not hold.",
  incomplete: "It could not be judged.",
  "tool-error": "The tester itself failed: please report it.",
};

/** One line, on stderr; without `verbose` only what is worth a look. */
export function tellResult(result: Result, { note, paint }: Terminal, verbose: boolean): void {
  const { id, title, verdict, profile } = result;
  const look = { fail: paint.bad, warn: paint.warn, "harness-error": paint.bad, pass: paint.good };
  const colour = verdict in look ? look[verdict as keyof typeof look] : paint.dim;
  const worth = verdict === "fail" || verdict === "warn" || verdict === "harness-error";
  if (verbose || worth) note(`${colour(verdict.padEnd(13))} ${id} ${title} ${paint.dim(profile)}`);
}

export function tellReport(report: Report, { out, paint }: Terminal): void {
  const { results, counts, outcome, profiles, stale } = report;
  const findings = results.filter(({ verdict }) =>
    ["fail", "warn", "harness-error"].includes(verdict),
  );
  const rank = ["harness-error", "fail", "warn"];
  for (const finding of findings.toSorted(
    (a, b) => rank.indexOf(a.verdict) - rank.indexOf(b.verdict),
  )) {
    const { id, title, verdict, severity, known, seen, gains, mend, basis } = finding;
    const colour = verdict === "warn" ? paint.warn : paint.bad;
    out();
    out(
      `${colour(`${verdict} ${id}`)} ${paint.bold(title)} ${paint.dim(`(${severity}${known ? ", known" : ""})`)}`,
    );
    out(`  Seen: ${plain(`${routeText(finding)} ${seen}`.trim(), 600)}`);
    out(`  ${gains}`);
    for (const [at, line] of mend.split("\n").entries())
      out(`  ${at === 0 ? "Mend: " : "      "}${line}`);
    out(paint.dim(`  ${citation(basis)}`));
  }
  out();
  for (const entry of stale)
    out(`The baseline expects ${plain(entry, 80)} to fail, and it no longer does: take it out.`);
  const numbers = VERDICTS.filter((verdict) => counts[verdict] > 0).map(
    (verdict) => `${counts[verdict]} ${verdict}`,
  );
  out(
    `${plain(subjectOf(report), 320)}, ${profiles.join(", ")}, ${scopeOf(report)}: ${numbers.join(", ")}.`,
  );
  const good = outcome === "passed" ? paint.good : paint.bad;
  out(good(OUTCOMES[outcome]));
}
