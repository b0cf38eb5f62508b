/** Ends the paid period of a resource at the greenhouse, for both sides: their clocks and the chain's stay as they are. */
import { join } from "node:path";
import { openDatabase } from "../../store/index.ts";
import type { GreenhouseWorld } from "./greenhouse-world.ts";

export const DAY_MS = 24 * 60 * 60 * 1000;

/** As if it had ended so many days ago; answers when, in milliseconds since the epoch. */
export function endPeriod(
  { dir }: Pick<GreenhouseWorld, "dir">,
  { id }: { id: string },
  daysAgo: number,
): number {
  const end = Date.now() - daysAgo * DAY_MS - 1000;
  using ours = openDatabase(join(dir, "orchestrator", "orchestrator.db"));
  ours.run(
    "UPDATE resource SET paid_until = ?, billing = json_set(billing, '$.paid_until', ?) WHERE id = ?",
    end,
    new Date(end).toISOString(),
    id,
  );
  const row = ours
    .query<{ id: string }>("SELECT provider_id AS id FROM resource WHERE id = ?")
    .get(id);
  using theirs = openDatabase(join(dir, "greenhouse", "provider.sqlite"));
  theirs.run(
    "UPDATE resource SET paid_until = ?, facts = json_set(facts, '$.paidUntil', ?) WHERE id = ?",
    end,
    end,
    row!.id,
  );
  return end;
}
