/** The folder of the user's own that a goal wants deployed, as a path relative to where the user's files are. */
import { isHostname } from "../domain-name.ts";

const PATTERNS = [
  // "in ./site"
  /(?<![\w.])(\.{1,2}\/[\w./-]+)/,
  // "the folder site/", "the directory called public"
  /\b(?:folder|directory)\s+(?:called\s+|named\s+|at\s+)?[`"'“]?([\w.-]+(?:\/[\w.-]+)*\/?)/i,
  // "the `public` folder"
  /[`"'“]?([\w.-]+(?:\/[\w.-]+)*\/?)[`"'”]?\s+(?:folder|directory)\b/i,
  // "deploy site/ to …"
  /(?<![\w/:.])([\w-]+(?:\/[\w-]+)*\/)(?=[\s.,;"'`”]|$)/,
] as const;

/** Words that stand where a name might, and are none. */
const NOT_A_NAME =
  /^(a|an|and|as|at|current|existing|for|from|i|in|into|is|it|my|of|on|or|our|own|that|the|this|to|whole|which|with|you|your)$/i;

const EXISTING =
  /\b(existing|own|finished) (static |web)?\s?(site|website|page|files)\b|\b(site|website|page|files) (that )?(I|we) (already )?(have|made|built|wrote)\b|\b(my|our|this|the) (files|folder|directory)\b/i;

export function readFolder(goal: string): string | undefined {
  for (const pattern of PATTERNS) {
    const name = pattern.exec(goal)?.[1]?.replace(/[./]+$/, "") ?? "";
    const plain = name.replace(/^\.\//, "");
    if (plain !== "" && !NOT_A_NAME.test(plain) && !isHostname(plain)) return plain;
  }
  return EXISTING.test(goal) ? "." : undefined;
}
