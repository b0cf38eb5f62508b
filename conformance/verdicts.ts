/** What becomes of what the cases saw: a verdict by the case's level, the counts, and how the run ends. */
import { type Case, LEVELS, type Outcome, type Verdict, VERDICTS } from "./case.ts";
import type { Report, Result } from "./report.ts";

export function verdictOf({ kind }: Outcome, { level }: Pick<Case, "level">): Verdict {
  const verdicts = {
    holds: level === "info" ? "info" : "pass",
    broken: LEVELS[level].broken,
    noted: "warn",
    told: "info",
    skipped: "skip",
    unclear: "cannot-assess",
  } as const satisfies Record<Outcome["kind"], Verdict>;
  return verdicts[kind];
}

export function isBad(verdict: Verdict, strict: boolean): boolean {
  return verdict === "fail" || (strict && verdict === "warn");
}

export function countVerdicts(results: readonly Result[]) {
  const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<
    Verdict,
    number
  >;
  for (const { verdict } of results) counts[verdict] += 1;
  return counts;
}

/** A case that an honest payment was to hold by, and nobody took one. */
export function isUnsold({ id, verdict }: Pick<Result, "id" | "verdict">): boolean {
  return /^SETL-0[14]$/.test(id) && verdict === "cannot-assess";
}

interface Ending {
  failing: number;
  counts: Record<Verdict, number>;
  strict: boolean;
  /** The endpoint asked for a payment at all. */
  asked: boolean;
  /** It was to be paid, and no honest payment was taken. */
  unsold: boolean;
}

export function outcomeOf(of: Ending): Report["outcome"] {
  if (of.counts["harness-error"] > 0) return "tool-error";
  if (of.failing > 0) return "failed";
  return !of.asked || of.unsold || (of.strict && of.counts["cannot-assess"] > 0)
    ? "incomplete"
    : "passed";
}
