/** The short name of what is being built: the same goal always gives the same name, so deploying again replaces, never doubles. */
import type { Goal } from "./goal.ts";

export function siteName({ domains, content }: Pick<Goal, "domains" | "content">): string {
  const words = domains?.alternatives[0] ?? content.name;
  const slug = words
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 60)
    .replace(/^-+|-+$/g, "");
  return slug === "" ? "site" : slug;
}
