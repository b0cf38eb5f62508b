/** The categories of what can be had, with how many services each has: what a person narrows a long catalog by. */
import type { ServiceListing } from "../../protocol/index.ts";

/** More than these is no help. */
const MOST = 24;
/** Strangers name them, and a person types them: what is no plain word stands in no command line. */
const WORD = /^[\w.-]{1,50}$/;

/** For a person; nothing where there is nothing to choose from. `tool` is as in `purser catalog`. */
export function categoryLines(
  services: readonly Pick<ServiceListing, "categories">[],
  tool: string,
): string[] {
  const counted = countCategories(services);
  const [largest] = counted;
  if (!largest || counted.length < 2) return [];
  const shown = counted.slice(0, MOST).map(([category, count]) => `@${category} ${count}`);
  const more = counted.length > MOST ? ` and ${counted.length - MOST} more` : "";
  return [
    "",
    `Categories: ${shown.join(", ")}${more}`,
    `Narrow it: \`${tool} catalog @${largest[0]}\`, \`${tool} catalog <provider>\`, \`${tool} search <words>\``,
  ];
}

/** The largest first. */
function countCategories(
  services: readonly Pick<ServiceListing, "categories">[],
): [category: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { categories } of services)
    for (const one of new Set(categories))
      if (WORD.test(one)) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}
