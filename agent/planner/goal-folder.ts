/** The folder of the user's own that a goal wants deployed, as a path relative to where the user's files are. */
import { isHostname } from "../domain-name.ts";
import { withoutQuotes } from "./quotes.ts";

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

/** Where the person is: the folder that the run was started for. */
const HERE = /\b(?:this|the current|my current|the present|the working) (?:folder|directory)\b/i;
const EXISTING =
  /\b(existing|own|finished) (static |web)?\s?(site|website|page|files)\b|\b(site|website|page|files) (that )?(I|we) (already )?(have|made|built|wrote)\b|\b(my|our|these|the) (files|folder|directory)\b|\b(deploy|publish|upload) (my|our) (site|website|page)\b/i;

export function readFolder(goal: string): string | undefined {
  for (const pattern of PATTERNS) {
    const name = pattern.exec(goal)?.[1]?.replace(/[./]+$/, "") ?? "";
    const plain = name.replace(/^\.\//, "");
    if (plain !== "" && !NOT_A_NAME.test(plain) && !isHostname(plain)) return plain;
  }
  return HERE.test(goal) ? "." : undefined;
}

/** Whether the goal wants files of the person's own online, and does not say which; "." would be a guess. */
export function wantsUnnamedFolder(goal: string): boolean {
  return EXISTING.test(withoutQuotes(goal));
}

/** The folder in an answer to the question which one: a path alone, or a sentence that names one. */
export function folderInAnswer(answer: string): string | undefined {
  const plain = answer.trim().replace(/^[`"']|[`"'.]?$/g, "");
  if (answer.trim() === "." || /^here$/i.test(plain)) return ".";
  return /^[\w.-]+(?:\/[\w.-]+)*\/?$/.test(plain) ? plain.replace(/\/$/, "") : readFolder(answer);
}
