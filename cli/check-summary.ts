/** How a test is told in a terminal: a line for each finding as it is found, then what to mend, worst first. */
import {
  citation,
  conclusionOf,
  countsOf,
  idsText,
  nextStepOf,
  routeText,
  type Report,
  type Result,
  scopeOf,
  subjectOf,
  unjudgedOf,
} from "../conformance/index.ts";
import { plain, type Terminal } from "./terminal.ts";

/** Of the reasons for which something was not judged. */
const REASONS = 12;

/** One line, on stderr; without `verbose` only what is worth a look, and with it also what was seen. */
export function tellResult(result: Result, { note, paint }: Terminal, verbose: boolean): void {
  const { id, title, verdict, profile, seen } = result;
  const look = { fail: paint.bad, warn: paint.warn, "harness-error": paint.bad, pass: paint.good };
  const colour = verdict in look ? look[verdict as keyof typeof look] : paint.dim;
  const worth = verdict === "fail" || verdict === "warn" || verdict === "harness-error";
  if (!verbose && !worth) return;
  const why = verbose ? `: ${plain(seen, 300)}` : "";
  note(`${colour(verdict.padEnd(13))} ${id} ${title} ${paint.dim(`${profile}${why}`)}`);
}

export function tellReport(report: Report, { out, paint }: Terminal): void {
  const { results, outcome, profiles, stale } = report;
  const findings = results.filter(({ verdict }) =>
    ["fail", "warn", "harness-error"].includes(verdict),
  );
  const rank = ["harness-error", "fail", "warn"];
  for (const finding of findings.toSorted(
    (a, b) => rank.indexOf(a.verdict) - rank.indexOf(b.verdict),
  )) {
    const { id, title, verdict, severity, known, seen, gains, mend, basis, profile } = finding;
    const marks = [
      severity,
      ...(profiles.length > 1 ? [profile] : []),
      ...(known ? ["known"] : []),
    ];
    const colour = verdict === "warn" ? paint.warn : paint.bad;
    out();
    out(`${colour(`${verdict} ${id}`)} ${paint.bold(title)} ${paint.dim(`(${marks.join(", ")})`)}`);
    out(`  Seen: ${plain(`${routeText(finding)} ${seen}`.trim(), 600)}`);
    out(`  ${gains}`);
    for (const [at, line] of mend.split("\n").entries())
      out(`  ${at === 0 ? "Mend: " : "      "}${line}`);
    out(paint.dim(`  ${citation(basis)}`));
  }
  out();
  for (const entry of stale)
    out(
      `The baseline expects ${plain(entry, 80)} to fail, and it no longer does: take it out, or write ${plain(entry, 80)}? where it fails in some runs only.`,
    );
  tellUnjudged(report, { out, paint });
  out(
    `${plain(subjectOf(report), 320)}, ${profiles.join(", ")}, ${scopeOf(report)}: ${countsOf(report).join(", ")}.`,
  );
  const good = outcome === "passed" ? paint.good : paint.bad;
  out(good(conclusionOf(report)));
  const nextStep = nextStepOf(report);
  if (nextStep !== undefined) out(nextStep);
}

/** Why something was not judged: without it a verdict that is none tells nobody what to do. */
function tellUnjudged(report: Report, { out, paint }: Pick<Terminal, "out" | "paint">): void {
  const reasons = unjudgedOf(report);
  for (const { verdict, ids, reason } of reasons.slice(0, REASONS))
    out(paint.dim(`${verdict} ${idsText(ids)}: ${plain(reason, 400)}`));
  if (reasons.length > REASONS) {
    out(paint.dim(`For ${reasons.length - REASONS} more reasons see --verbose, or a report.`));
  }
  const skipped = reasons.flatMap(({ verdict, count }) => (verdict === "skip" ? [count] : []));
  const others = report.counts.skip - skipped.reduce((sum, count) => sum + count, 0);
  if (others > 0) out(paint.dim(`skip: ${others} do not apply here; --verbose says why of each.`));
  if (reasons.length > 0 || others > 0) out();
}
