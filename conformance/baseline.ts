/**
 * What is known to fail: ids, or ids with a profile (`CHAL-18@x402-v1`), each with a `?` behind it where it fails in some runs only, as
 * a race does. A failure that it names is known; an entry whose case holds is stale.
 */
import type { Profile, Verdict } from "./case.ts";
import type { Result } from "./report.ts";
import { isBad } from "./verdicts.ts";

export interface BaselineEntry {
  readonly id: string;
  /** Undefined where it holds for all. */
  readonly profile: string | undefined;
  /** It fails in some runs only, and is never stale. */
  readonly sometimes: boolean;
}

export function parseEntry(text: string): BaselineEntry {
  const [id = "", profile] = text.replace(/\?$/, "").split("@");
  return { id, profile, sometimes: text.endsWith("?") };
}

/** Whether a verdict is a failure, or a warning, that the baseline expects. */
export function knownBy(baseline: readonly string[]) {
  const entries = baseline.map(parseEntry);
  return (of: { id: string; profile: Profile; verdict: Verdict }) =>
    isBad(of.verdict, true) && entries.some((entry) => isFor(entry, of));
}

/**
 * Baseline entries that no longer fail: the case ran and passed. What could not be assessed, or was skipped everywhere, says nothing
 * of them, so that a server which is down does not make a baseline wrong.
 */
export function staleOf(baseline: readonly string[], results: readonly Result[]): string[] {
  const holds = ({ verdict }: Result) => verdict === "pass" || verdict === "info";
  return baseline.filter((text) => {
    const entry = parseEntry(text);
    if (entry.sometimes) return false;
    const run = results.filter((result) => isFor(entry, result));
    return run.some(holds) && run.every((one) => holds(one) || one.verdict === "skip");
  });
}

function isFor(entry: BaselineEntry, { id, profile }: { id: string; profile: Profile }): boolean {
  return entry.id === id && (entry.profile ?? profile) === profile;
}
