/** Several routes of one server, each tested by itself, as one report. */
import type { Report, Result } from "./report.ts";
import { staleOf } from "./baseline.ts";
import { countVerdicts, isBad } from "./verdicts.ts";

/** The reports are of one run: one ring, one seed. A baseline entry is stale only where it is so at all routes together. */
export function mergeReports(reports: readonly Report[], url: string): Report {
  const [first] = reports;
  if (!first) throw new Error("There is no report to merge.");
  let offset = 0;
  const parts = reports.map((report) => {
    const at = offset;
    offset += report.exchanges.length;
    return {
      results: report.results.map((result): Result => ({
        ...result,
        route: report.target,
        exchanges: result.exchanges.map((index) => index + at),
      })),
      exchanges: report.exchanges.map((exchange) => ({ ...exchange, index: exchange.index + at })),
    };
  });
  const results = parts.flatMap((part) => part.results);
  const passed = new Set(reports.flatMap(({ stale }) => stale));
  const stale = staleOf([...passed], results);
  return {
    ...first,
    target: { url, method: "*" },
    profiles: [...new Set(reports.flatMap(({ profiles }) => profiles))],
    ms: reports.reduce((sum, { ms }) => sum + ms, 0),
    outcome: outcomeOf(reports, results, stale),
    counts: countVerdicts(results),
    stale,
    results,
    exchanges: parts.flatMap((part) => part.exchanges),
  };
}

function outcomeOf(
  reports: readonly Report[],
  results: readonly Result[],
  stale: readonly string[],
): Report["outcome"] {
  const has = (outcome: Report["outcome"]) => reports.some((one) => one.outcome === outcome);
  const strict = reports[0]?.strict ?? false;
  const failing = results.some(({ known, verdict }) => !known && isBad(verdict, strict));
  if (has("tool-error")) return "tool-error";
  if (failing || stale.length > 0) return "failed";
  return has("incomplete") ? "incomplete" : "passed";
}
