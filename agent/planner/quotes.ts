/** Quoted words in a goal: they are shown as they stand, and never read as instructions to build something. */

const QUOTED =
  /(?<!\w)"([^"\n]{1,500})"|“([^”\n]{1,500})”|«([^»\n]{1,500})»|(?<!\w)'([^'\n]{2,500})'(?!\w)|`([^`\n]{1,500})`/g;

export interface Quote {
  text: string;
  /** What stands before the quotation mark, in the same sentence. */
  before: string;
}

export function quotesIn(text: string): Quote[] {
  return [...text.matchAll(QUOTED)].map((match) => ({
    text: match.slice(1).find((part) => part !== undefined) ?? "",
    before: text.slice(Math.max(0, match.index - 60), match.index),
  }));
}

/** The text with the quoted words taken out; `keep` decides which stay, without their marks. */
export function withoutQuotes(
  text: string,
  keep: (quoted: string) => boolean = () => false,
): string {
  return text.replace(QUOTED, (...parts: unknown[]) => {
    const quoted = parts.slice(1, 6).find((part): part is string => typeof part === "string");
    return quoted !== undefined && keep(quoted) ? quoted : " ";
  });
}
