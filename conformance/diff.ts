/** What changed between two reports of an endpoint: for CI, where only a verdict that got worse is news. */
import type { Profile, Verdict } from "./case.ts";
import { type Report, routeText } from "./report.ts";

export interface VerdictChange {
  readonly id: string;
  readonly profile: Profile;
  /** Undefined where the case was not run. */
  readonly before: Verdict | undefined;
  readonly after: Verdict | undefined;
  /** Undefined where neither is better. */
  readonly better: boolean | undefined;
}

export interface ReportDiff {
  readonly changes: readonly VerdictChange[];
  /** Something got worse. */
  readonly worse: boolean;
}

/** How bad a verdict is; what says nothing of the endpoint has no rank. */
const RANK: Partial<Record<Verdict, number>> = { pass: 0, info: 0, warn: 1, fail: 2 };

export function diffReports(before: Report, after: Report): ReportDiff {
  const [was, is] = [before, after].map(
    ({ results }) =>
      new Map(
        results.map((result) => [`${result.id}@${result.profile} ${routeText(result)}`, result]),
      ),
  ) as [Map<string, Report["results"][number]>, Map<string, Report["results"][number]>];
  const changes = [...new Set([...was.keys(), ...is.keys()])].flatMap((key): VerdictChange[] => {
    const [old, now] = [was.get(key), is.get(key)];
    const known = now ?? old;
    if (!known || old?.verdict === now?.verdict) return [];
    const rank = (verdict: Verdict | undefined) =>
      verdict === undefined ? undefined : RANK[verdict];
    const [from, to] = [rank(old?.verdict) ?? 0, rank(now?.verdict)];
    const better = to === undefined || from === to ? undefined : to < from;
    const { id, profile } = known;
    return [{ id, profile, before: old?.verdict, after: now?.verdict, better }];
  });
  return { changes, worse: changes.some(({ better }) => better === false) };
}
