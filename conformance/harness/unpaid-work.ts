/** Work that was done for cases that never pay: more executions than answers that were let through as paid. */
import type { Context } from "../context.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import type { Happening } from "./timeline.ts";

const KEY = "unpaid work";

/** Looks at a case that is over, and remembers it where work was done for what was refused. */
export function unpaidWorkOf(
  { memo, evidence, exchanges }: Context,
  { id, behind }: { id: string; behind: readonly Happening[] },
): void {
  const works = behind.filter(({ what }) => what === "work").length;
  const grants = evidence.filter((index) => {
    const exchange = exchanges[index];
    return exchange && isGrant(exchange);
  }).length;
  if (works > grants) memo.set(KEY, [...casesWithUnpaidWork({ memo }), id]);
}

/** Ids. */
export function casesWithUnpaidWork({ memo }: Pick<Context, "memo">): readonly string[] {
  return (memo.get(KEY) as readonly string[] | undefined) ?? [];
}
