/**
 * The domain names in a goal: where the site shall be, and what else would do. Naming two names is no permission to take
 * either; the goal has to say so ("or", "if it is taken").
 */
import { isHostname } from "../domain-name.ts";
import { withoutQuotes } from "./quotes.ts";

export interface DomainWish {
  /** Hostnames in the order of preference; the first that can be had is taken. */
  alternatives: string[];
  /** True where the others are allowed only because the one before is not available, not because it costs too much. */
  onlyIfTaken: boolean;
  /** Hostnames wanted besides. */
  also: string[];
}

const MENTION =
  /(?<![\w@.-])(?:https?:\/\/)?((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,24}|[A-Z]{2,24}))(?![\w@-])/gi;
const FILE_ENDING =
  /\.(html?|css|m?js|cjs|[jt]sx?|json|md|txt|png|jpe?g|gif|svg|webp|pdf|py|ya?ml|toml|xml|csv|zip)$/i;
/** Before a name that is only spoken of. */
const ASIDE =
  /\b(like|similar to|inspired by|from|instead of|not|links?(?: back)? to|linking to|see|than|copy of|redirects? to)\s+$/i;
const CONDITION =
  /\b(taken|unavailable|not available|gone|registered already|already registered|not free|in use)\b/i;
const CHOICE =
  /\b(or|otherwise|else|failing that|alternatively|if not|fall ?back|as a backup|second choice|next best|try)\b/i;
const ACCEPTED =
  /^[^.!?]{0,25}\b(also|too|as well|is fine|would do|works|acceptable|will do|instead)\b/i;

export function readDomains(goal: string): DomainWish | undefined {
  const text = withoutQuotes(goal, isHostname);
  const [first, ...others] = mentionsIn(text);
  if (!first) return undefined;
  const wish: DomainWish = { alternatives: [first.name], onlyIfTaken: false, also: [] };
  const conditional: boolean[] = [];
  let previous = first;
  /** How the last named one was meant, which holds for the next in a list ("a.dev, b.dev or c.dev"). */
  for (const [index, mention] of others.entries()) {
    const between = text.slice(previous.end, mention.start);
    const after = text.slice(mention.end, others[index + 1]?.start ?? mention.end + 40);
    previous = mention;
    const known = wish.alternatives.includes(mention.name) || wish.also.includes(mention.name);
    if (known) continue;
    const listEnd = /^\s*,\s*$/.test(between)
      ? connectorAfter(text, others.slice(index + 1), mention.end)
      : between;
    if (CHOICE.test(listEnd) || CONDITION.test(listEnd) || ACCEPTED.test(after)) {
      wish.alternatives.push(mention.name);
      conditional.push(CONDITION.test(between) && !/\b(expensive|dear|budget|cost)/i.test(between));
    } else if (/^\s*(,?\s*(and|&|plus)(\s+also)?(\s+(on|at|under))?)\s*$/i.test(listEnd)) {
      wish.also.push(mention.name);
    }
  }
  wish.onlyIfTaken = conditional.length > 0 && conditional.every(Boolean);
  return wish;
}

interface Mention {
  name: string;
  start: number;
  end: number;
}

function mentionsIn(text: string): Mention[] {
  return [...text.matchAll(MENTION)].flatMap((match) => {
    const name = (match[1] ?? "").toLowerCase();
    const original = match[1] ?? "";
    const ending = original.slice(original.lastIndexOf(".") + 1);
    // "Inc.The": a missing space, not a name.
    const oneCase = ending === ending.toLowerCase() || original === original.toUpperCase();
    if (!isHostname(name) || FILE_ENDING.test(name) || !oneCase) return [];
    if (ASIDE.test(text.slice(Math.max(0, match.index - 30), match.index))) return [];
    return [{ name, start: match.index, end: match.index + match[0].length }];
  });
}

/** The word that ends a list decides what its commas mean. */
function connectorAfter(text: string, rest: Mention[], end: number): string {
  let from = end;
  for (const mention of rest) {
    const between = text.slice(from, mention.start);
    if (!/^\s*,\s*$/.test(between)) return between;
    from = mention.end;
  }
  return "";
}

/** Ends a word like a domain does, in one case. */
const ENDING = /[^.]\.{1,2}(?:[a-z]{2,24}|[A-Z]{2,24})$/;

/** The first word that is written like a domain and cannot be one, such as "-bad-.dev" or "ada..dev". */
export function readInvalidDomain(goal: string): string | undefined {
  const text = withoutQuotes(goal, (quoted) => !/\s/.test(quoted));
  return text
    .split(/[\s,;|()<>"“”«»[\]{}—–]+/)
    .map((word) =>
      word
        .replace(/^[a-z]+:\/\//i, "")
        .replace(/[/?#:].*$/, "")
        .replace(/['’]s$/, "")
        .replace(/^['’`*]+|['’`*.!]+$/g, ""),
    )
    .find(
      (word) =>
        ENDING.test(word) &&
        !isHostname(word) &&
        !/^\.|\.{3}|@/.test(word) &&
        !FILE_ENDING.test(word),
    )
    ?.slice(0, 100);
}

/** The extensions that a goal names by themselves: "a .io domain". */
export function readExtensions(goal: string): string[] {
  return [...withoutQuotes(goal).matchAll(/(?:^|\s)\.([a-z]{2,24}(?:\.[a-z]{2,24})?)\b/gi)].map(
    ([, extension = ""]) => extension.toLowerCase(),
  );
}

/** A domain that is wanted without being named: "a .dev domain", "register a domain". */
export function readUnnamedDomain(goal: string): { extension: string | undefined } | undefined {
  const text = withoutQuotes(goal);
  if (
    /\b(no|without( a)?|(don'?t|do not|never) (buy|register|need|want|get)( a| any)?) (custom )?domain\b/i.test(
      text,
    )
  )
    return undefined;
  const extension = /(?:^|\s)\.([a-z]{2,24})\b(?!\w)/i.exec(text)?.[1]?.toLowerCase();
  if (extension !== undefined && /\b(domain|name|address)\b/i.test(text)) return { extension };
  const wanted =
    /\b(register|buy|get|find|pick|choose|want|need|with|on) (me |us )?(a|an|its own|our own|my own|the cheapest) (\w+ )?domain( name)?\b/i;
  return wanted.test(text) ? { extension: undefined } : undefined;
}
