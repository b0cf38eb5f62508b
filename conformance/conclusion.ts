/**
 * What a report comes to, in sentences that agree with its counts: how it ended, why what was not judged was not, and what to do next.
 * Terminal, Markdown and HTML all say it in these words.
 */
import { VERDICTS, type Verdict } from "./case.ts";
import { type Report, type Result, routeText } from "./report.ts";
import { isBad, isUnsold } from "./verdicts.ts";

/** One sentence, such as "1 known failure, nothing new." */
export function conclusionOf(report: Report): string {
  const { outcome, results, stale, strict } = report;
  const bad = results.filter(({ verdict }) => isBad(verdict, strict));
  const known = bad.filter((one) => one.known).length;
  if (outcome === "tool-error") return "The tester itself failed: please report it.";
  if (outcome === "incomplete") return "It could not be judged.";
  if (outcome === "passed")
    return known === 0 ? "Nothing failed." : `${plural(known, "known failure")}, nothing new.`;
  const fresh = bad.length - known;
  const parts = [
    ...(fresh > 0 ? [plural(fresh, known > 0 ? "new failure" : "failure")] : []),
    ...(known > 0 ? [`${known} known`] : []),
    ...(stale.length > 0
      ? [`${plural(stale.length, "entry", "entries")} of the baseline to take out`]
      : []),
  ];
  return `It does not hold: ${parts.join(", ")}.`;
}

/** Each verdict that there is with its number, such as "3 fail (1 known)". */
export function countsOf({ counts, results }: Pick<Report, "counts" | "results">): string[] {
  return VERDICTS.filter((verdict) => counts[verdict] > 0).map((verdict) => {
    const known = results.filter((one) => one.known && one.verdict === verdict).length;
    return `${counts[verdict]} ${verdict}${known > 0 ? ` (${known} known)` : ""}`;
  });
}

/** What to do about a run that could not be judged; undefined where it was. */
export function nextStepOf({ outcome, results, client }: Report): string | undefined {
  if (outcome !== "incomplete") return undefined;
  if (client) {
    return "Let the program buy from an honest shop first. The command names {url}, or the program reads PURSER_CHECK_URL; the key is in PRIVATE_KEY (or the variable of --key-env), and the chain at RPC_URL. It signs one payment, and ends with exit code 0 when it has what it paid for.";
  }
  const routes = [...Map.groupBy(results, routeText).values()];
  const isUnasked = (route: readonly Result[]) =>
    route.every(({ id, verdict }) => id === "CHAL-01" || verdict === "cannot-assess");
  const unasked = routes.find(isUnasked);
  if (unasked?.some(({ seen }) => /answered with 5\d\d/.test(seen))) {
    return "Read the server's log: it fails before it asks for a payment. Many sellers do where their facilitator cannot be reached.";
  }
  if (unasked) {
    return "Send the request that is for sale: look at its path, and give its method (-X), its body (-d) and its headers (-H).";
  }
  if (results.some(isUnsold)) {
    return "Let it take an honest payment: point the server at the facilitator, RPC server, network and asset of this run (--settings prints them), and read its log.";
  }
  return "With --strict what cannot be assessed is incomplete: mend what keeps it from being judged, or leave those cases out with --skip.";
}

/** A reason for which cases were not judged. */
export interface Unjudged {
  readonly verdict: Verdict;
  /** Such as `CHAL-02`, in the order of the report, each once. */
  readonly ids: readonly string[];
  /** How many results, over all profiles and routes. */
  readonly count: number;
  /** What was seen, or which option it needs. */
  readonly reason: string;
}

/** What could not be assessed, and what was skipped because an option was not given, by reason; the most frequent first. */
export function unjudgedOf({ results }: Pick<Report, "results">): Unjudged[] {
  const wanting = results.filter(
    ({ verdict, seen }) =>
      verdict === "cannot-assess" || (verdict === "skip" && seen.startsWith("Give --")),
  );
  const groups = Map.groupBy(wanting, ({ verdict, seen }) => `${verdict} ${seen}`);
  return [...groups.values()]
    .map((group) => ({
      verdict: group[0]!.verdict,
      ids: [...new Set(group.map(({ id }) => id))],
      count: group.length,
      reason: group[0]!.seen,
    }))
    .toSorted(
      (a, b) => VERDICTS.indexOf(b.verdict) - VERDICTS.indexOf(a.verdict) || b.count - a.count,
    );
}

/** A few ids as text, such as "CHAL-02, CHAL-03 and 51 more". */
export function idsText(ids: readonly string[], shown = 6): string {
  const rest = ids.length - shown;
  return rest > 1 ? `${ids.slice(0, shown).join(", ")} and ${rest} more` : ids.join(", ");
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
