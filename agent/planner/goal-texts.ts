/** What a page shall show: its name, the texts that the goal quotes, and the facts that it states. */
import { isHostname } from "../domain-name.ts";
import { quotesIn, withoutQuotes } from "./quotes.ts";

export interface PageContent {
  /** Such as "Nimbus Coffee". */
  name: string;
  /** Texts to show word for word, the most prominent first. */
  says: string[];
  /** Labelled facts, such as opening hours. */
  details: { label: string; text: string }[];
  /** The lines of a list in the goal. */
  items: string[];
  email: string | undefined;
}

/** A run of capitalised words, as names are written; "&", "and", "of", "the" may stand inside. */
const NAME =
  "[A-Z\\u00C0-\\u00DE][\\p{L}\\p{N}'’.-]*(?:\\s+(?:(?:&|and|of|the|de|la|du)\\s+)?[A-Z\\u00C0-\\u00DE0-9][\\p{L}\\p{N}'’-]*)*";
const NAMED = [
  new RegExp(`^\\s*(${NAME})\\s+(?:needs|wants|should|deserves|must)\\b`, "u"),
  new RegExp(
    `\\b(?:Get|Put|Bring|Take|Give)\\s+(${NAME})\\s+(?:online|live|on|up|an?|at|to|its)\\b`,
    "u",
  ),
  new RegExp(`\\b(?:called|named|titled)\\s+(${NAME})`, "u"),
  new RegExp(
    `\\b(?:for|of|about)\\s+(?:(?:a|an|my|our|the)\\s+[^,.;]{2,40},\\s*)?(?:the\\s+)?(${NAME})`,
    "u",
  ),
];
const NAMING = /\b(called|named|titled|for)\s*$/i;
const SAYING =
  /\b(?:says?|saying|reads?|reading|shows?|with the (?:text|words?|headline|heading|tagline|slogan|title|message))\s*:?\s+(?!an?\b|the\b|our\b|my\b|what\b|that\b|how\b|all\b)([^"“”.!?\n]{3,120})/i;
const DETAIL =
  /\b(opening hours|hours|address|phone|telephone|location|price|prices|menu|tagline|slogan|motto)\s*(?:is|are|:)\s*([^.;\n]{2,120})/gi;

export function readTexts(goal: string, domain: string | undefined): PageContent {
  const quotes = quotesIn(goal).filter(
    ({ text }) => !isHostname(text) && /\p{L}/u.test(text) && !isPath(text),
  );
  const naming = quotes.find(({ before }) => NAMING.test(before));
  const plain = withoutQuotes(goal);
  const name = naming?.text ?? namedIn(plain) ?? nameOf(domain) ?? kindIn(plain) ?? "Welcome";
  const says = quotes.filter((quote) => quote !== naming).map(({ text }) => text);
  const said = says.length === 0 ? SAYING.exec(plain)?.[1]?.trim() : undefined;
  return {
    name,
    says: said === undefined ? says : [trimClause(said)],
    details: [...plain.matchAll(DETAIL)].map(([, label = "", text = ""]) => ({
      label: label[0]?.toUpperCase() + label.slice(1).toLowerCase(),
      text: text.trim(),
    })),
    items: [...goal.matchAll(/^\s*(?:[-*•]|\d+[.)])\s+(.{1,200})$/gm)].map(([, item = ""]) =>
      item.trim(),
    ),
    email: /(?<![\w.])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+/.exec(goal)?.[0]?.replace(/\.$/, ""),
  };
}

function namedIn(text: string): string | undefined {
  for (const pattern of NAMED) {
    const found = pattern.exec(text)?.[1]?.replace(/[.'’-]+$/, "");
    if (found !== undefined && found.length > 1 && !isHostname(found)) return found;
  }
  return undefined;
}

/** "for my bakery" → "Bakery", "stores notes" → "Notes": better than no name at all. */
function kindIn(text: string): string | undefined {
  const kind =
    /\bfor\s+(?:my|our|a|an|the)\s+([a-z][a-z -]{2,40}?)(?=\s+(?:on|at|that|with|in|which|and)\b|[,.;:!?]|\s*$)/i.exec(
      text,
    )?.[1] ?? /\bstores?\s+([a-z]{3,20})\b/i.exec(text)?.[1];
  return kind?.replace(
    /(^|[ -])([a-z])/g,
    (_, gap: string, letter: string) => gap + letter.toUpperCase(),
  );
}

/** "nimbus-coffee.dev" → "Nimbus Coffee". */
function nameOf(domain: string | undefined): string | undefined {
  if (domain === undefined) return undefined;
  const label = domain.split(".").at(-2) ?? domain;
  return label.replace(
    /(^|-)([a-z0-9])/g,
    (_, dash: string, letter: string) => `${dash ? " " : ""}${letter.toUpperCase()}`,
  );
}

/** Cuts where the sentence turns to something else than what is said. */
function trimClause(text: string): string {
  return text
    .replace(/\s+(?:on|at|under)\s+[\w-]+\.[a-z]{2,}.*$/i, "")
    .replace(/,?\s+(?:and|then)\s+(?:put|deploy|register|publish|make).*$/i, "")
    .trim();
}

function isPath(text: string): boolean {
  return /^[\w./<>:{}*-]*\/[\w./<>:{}*-]*$/.test(text);
}
