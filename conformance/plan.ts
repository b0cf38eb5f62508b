/** Which cases a test runs: the rings asked for, the protocols that the endpoint speaks, and the user's filters. */
import type { Case, Profile, Ring } from "./case.ts";
import { ConformanceError } from "./conformance-error.ts";

/** What of a case decides whether it is run. */
export type Plannable = Pick<Case, "id" | "ring" | "load" | "profiles">;

export interface PlanOptions<T extends Plannable = Case> {
  readonly cases: readonly T[];
  readonly profiles: readonly Profile[];
  /** All rings up to this one. */
  readonly ring: Ring;
  /** Ids, or patterns such as `CHAL-*`. */
  readonly only?: readonly string[] | undefined;
  readonly skip?: readonly string[] | undefined;
  readonly load?: boolean | undefined;
}

export interface PlannedCase<T = Case> {
  readonly case: T;
  readonly profile: Profile;
}

/** In the catalog's order, a ring after the other; throws `CHECK_PLAN_INVALID` when nothing is left. */
export function planCases<T extends Plannable>(options: PlanOptions<T>): PlannedCase<T>[] {
  const { cases, profiles, ring, only = [], skip = [], load = false } = options;
  for (const pattern of [...only, ...skip]) requireKnown(pattern, cases);
  const chosen = cases.filter(
    ({ id, ring: needed, load: loading = false }) =>
      needed <= ring &&
      (load || !loading) &&
      (only.length === 0 || only.some((pattern) => matches(pattern, id))) &&
      !skip.some((pattern) => matches(pattern, id)),
  );
  const planned = chosen
    .flatMap((each) => profilesOf(each, profiles).map((profile) => ({ case: each, profile })))
    .toSorted((a, b) => a.case.ring - b.case.ring);
  if (planned.length > 0) return planned;
  throw new ConformanceError("CHECK_PLAN_INVALID", {
    problem: "The filters leave no case to run.",
    nextStep: "Look at `purser check list`; a case may need a higher --ring, or --load.",
  });
}

function profilesOf({ profiles }: Plannable, asked: readonly Profile[]): readonly Profile[] {
  return profiles === "any" ? asked.slice(0, 1) : asked.filter((one) => profiles.includes(one));
}

/** `*` stands for anything; letters in either case. */
function matches(pattern: string, id: string): boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${source}$`, "i").test(id);
}

function requireKnown(pattern: string, cases: readonly Plannable[]): void {
  if (cases.some(({ id }) => matches(pattern, id))) return;
  throw new ConformanceError("CHECK_PLAN_INVALID", {
    problem: `No case is called "${pattern.slice(0, 80)}".`,
    nextStep: "Look at `purser check list`. A pattern such as CHAL-* takes a whole group.",
  });
}
