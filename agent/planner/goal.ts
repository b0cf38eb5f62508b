/**
 * What a person wants, read from their own words with plain patterns: enough for a baseline that needs no model, and honest
 * about its limits. What it cannot read is `unclear`, and nothing is bought for it.
 */
import {
  type DomainWish,
  readDomains,
  readInvalidDomain,
  readUnnamedDomain,
} from "./goal-domains.ts";
import { readFolder, wantsUnnamedFolder } from "./goal-folder.ts";
import { readSpending, type Spending } from "./goal-spending.ts";
import { readStorage, type StorageWish } from "./goal-storage.ts";
import { type PageContent, readTexts } from "./goal-texts.ts";

export interface Goal {
  text: string;
  /** `site`: something shall be online. `buy`: only to have something. `question`: only to know something. */
  kind: "site" | "buy" | "question" | "unclear";
  domains: DomainWish | undefined;
  /** A domain that is wanted without being named. */
  unnamedDomain: { extension: string | undefined } | undefined;
  /** What stands where a domain might, and is none: "-bad-.dev". */
  invalidDomain: string | undefined;
  storage: StorageWish | undefined;
  /** The user's own folder, to be deployed as it is. */
  folder: string | undefined;
  /** True where the files are the user's own, and the goal does not say where they are. */
  unnamedFolder: boolean;
  content: PageContent;
  /** What the goal allows to be spent, and what it forbids. */
  spending: Spending;
}

const BUILD =
  /\b(put|build|make|create|deploy|publish|launch|host|set ?up|ship|write|bring|upload|serve|spin up|get .{0,40}\b(online|live|up))\b/i;
const THING =
  /\b(site|website|web ?page|page|landing|homepage|blog|shop|app|application|API|service|worker|web|home on|guest ?book|counter|folder|directory|portfolio|online|live|server|endpoint|backend|store)\b/i;
const BUY = /\b(register|buy|purchase|order|add|get|reserve)\b/i;
const ASKS_PRICE =
  /\b(how much|what (does|do|would|will|is|are)\b.*\b(cost|price)|price of|costs?\s*\?|what .* costs?)\b/i;
const ASKS = /^\s*(what|which|how|is|are|does|do|who|where)\b[^]*\?/i;
const ASKS_AVAILABLE =
  /\b(?:tell|check|find out|see|know|look up|wonder|say)\b[^.!?\n]{0,40}\b(?:if|whether)\b/i;

/** Longer than anything a person writes; patterns must not be fed a book. */
const MAX_LENGTH = 10_000;

export function readGoal(whole: string): Goal {
  const text = whole.slice(0, MAX_LENGTH);
  const domains = readDomains(text);
  const folder = readFolder(text);
  const unnamedFolder = folder === undefined && wantsUnnamedFolder(text);
  const content = readTexts(text, domains?.alternatives[0]);
  const storage = readStorage(text, content.name);
  const spending = readSpending(text);
  // What was not read may hold a limit.
  if (whole.length > MAX_LENGTH) spending.unclear.push(whole.slice(MAX_LENGTH, MAX_LENGTH + 40));
  const owns = folder !== undefined || unnamedFolder;
  const kind = kindOf(spending.rest, { named: domains !== undefined, storage, owns });
  const forbids = spending.forbidden !== undefined && domains !== undefined;
  return {
    text,
    // "Do not register ada.dev, just look": what is left to do is to tell.
    kind: forbids && (kind === "unclear" || kind === "buy") ? "question" : kind,
    domains,
    unnamedDomain: domains ? undefined : readUnnamedDomain(text),
    invalidDomain: readInvalidDomain(text),
    storage,
    folder,
    unnamedFolder,
    content,
    spending,
  };
}

function kindOf(
  text: string,
  { named, storage, owns }: { named: boolean; storage: unknown; owns: boolean },
): Goal["kind"] {
  if (
    ASKS_PRICE.test(text) &&
    !/[.!]\s+\w*\s*(then |and )?(put|deploy|build|register|buy)\b/i.test(text)
  )
    return "question";
  const builds = BUILD.test(text);
  if (ASKS.test(text) && !builds) return "question";
  if (ASKS_AVAILABLE.test(text) && named && !builds && !BUY.test(text)) return "question";
  if ((builds && (THING.test(text) || named)) || owns) return "site";
  if (THING.test(text) && (named || storage !== undefined)) return "site";
  if (THING.test(text) && /\b(for|called|named)\b/i.test(text)) return "site";
  return BUY.test(text) ? "buy" : "unclear";
}
