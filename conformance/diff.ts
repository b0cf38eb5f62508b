/** What changed between two reports of an endpoint: for CI, where only a verdict that got worse, or is no longer given, is news. */
import type { Profile, Verdict } from "./case.ts";
import { type Report, type Result, routeText } from "./report.ts";

/**
 * `lost`: it was judged before and cannot be now, or failed before and is no longer looked at, so that nobody knows whether it was
 * mended. `other`: neither better nor worse, such as a case that passed and no longer applies.
 */
export type ChangeKind = "worse" | "better" | "lost" | "other";

export interface VerdictChange {
  readonly id: string;
  readonly profile: Profile;
  /** Such as `GET https://…`, where several were tested at once. */
  readonly route: string | undefined;
  /** Undefined where the case was not run. */
  readonly before: Verdict | undefined;
  readonly after: Verdict | undefined;
  readonly kind: ChangeKind;
  /** What the later report saw. */
  readonly seen: string | undefined;
}

export interface ReportDiff {
  readonly changes: readonly VerdictChange[];
  /** Something got worse. */
  readonly worse: boolean;
  /** Something is no longer judged. */
  readonly lost: boolean;
}

/** How bad a verdict is; what says nothing of the endpoint has no rank. */
const RANK: Partial<Record<Verdict, number>> = { pass: 0, info: 0, warn: 1, fail: 2 };

export function diffReports(before: Report, after: Report): ReportDiff {
  const [was, is] = [byCase(before), byCase(after)];
  const changes = [...new Set([...was.keys(), ...is.keys()])].flatMap((key): VerdictChange[] => {
    const [old, now] = [was.get(key), is.get(key)];
    const known = now ?? old;
    if (!known || old?.verdict === now?.verdict) return [];
    const { id, profile } = known;
    const route = known.route && routeText(known);
    const kind = kindOf(old?.verdict, now?.verdict);
    const verdicts = { before: old?.verdict, after: now?.verdict };
    return [{ id, profile, route, ...verdicts, kind, seen: now?.seen }];
  });
  const has = (kind: ChangeKind) => changes.some((change) => change.kind === kind);
  return { changes, worse: has("worse"), lost: has("lost") };
}

function byCase({ results }: Report): ReadonlyMap<string, Result> {
  return new Map(
    results.map((result) => [`${result.id}@${result.profile} ${routeText(result)}`, result]),
  );
}

function kindOf(before: Verdict | undefined, after: Verdict | undefined): ChangeKind {
  const rank = (verdict: Verdict | undefined) => verdict && RANK[verdict];
  const [was, is] = [rank(before), rank(after)];
  if (is === undefined) {
    if (was === undefined) return "other";
    return was > 0 || after === "cannot-assess" || after === "harness-error" ? "lost" : "other";
  }
  const from = was ?? 0;
  if (is === from) return "other";
  return is < from ? "better" : "worse";
}
