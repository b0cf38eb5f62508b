/**
 * What a person wants, read from their own words with plain patterns: enough for a baseline that needs no model, and honest
 * about its limits. What it cannot read is `unclear`, and nothing is bought for it.
 */
import { parseDecimal } from "../../protocol/index.ts";
import { type DomainWish, readDomains, readUnnamedDomain } from "./goal-domains.ts";
import { readFolder } from "./goal-folder.ts";
import { readStorage, type StorageWish } from "./goal-storage.ts";
import { type PageContent, readTexts } from "./goal-texts.ts";
import { withoutQuotes } from "./quotes.ts";

export interface Goal {
  text: string;
  /** `site`: something shall be online. `buy`: only to have something. `question`: only to know something. */
  kind: "site" | "buy" | "question" | "unclear";
  domains: DomainWish | undefined;
  /** A domain that is wanted without being named. */
  unnamedDomain: { extension: string | undefined } | undefined;
  storage: StorageWish | undefined;
  /** The user's own folder, to be deployed as it is. */
  folder: string | undefined;
  content: PageContent;
  /** The most that the goal itself allows to be spent, in millionths of a dollar. */
  limit: bigint | undefined;
}

const BUILD =
  /\b(put|build|make|create|deploy|publish|launch|host|set ?up|ship|write|bring|upload|serve|spin up|get .{0,40}\b(online|live|up))\b/i;
const THING =
  /\b(site|website|web ?page|page|landing|homepage|blog|shop|app|application|API|service|worker|web|home on|guest ?book|counter|folder|directory|portfolio|online|live|server|endpoint|backend|store)\b/i;
const BUY = /\b(register|buy|purchase|order|add|get|reserve)\b/i;
const ASKS_PRICE =
  /\b(how much|what (does|do|would|will|is|are)\b.*\b(cost|price)|price of|costs?\s*\?|what .* costs?)\b/i;
const ASKS = /^\s*(what|which|how|is|are|does|do|who|where)\b[^]*\?/i;
const LIMIT =
  /\b(?:under|below|at most|no more than|not more than|less than|up to|max(?:imum)?(?: of)?|within|budget(?: of| is)?)\s+(?:US)?\$?\s?(\d+(?:\.\d{1,2})?)(?!\d|\s*(?:KB|MB|ms|seconds?|minutes?|characters?|words?|%))\s*(?:\$|dollars?|usd|usdc)?/i;

/** Longer than anything a person writes; patterns must not be fed a book. */
const MAX_LENGTH = 10_000;

export function readGoal(whole: string): Goal {
  const text = whole.slice(0, MAX_LENGTH);
  const domains = readDomains(text);
  const folder = readFolder(text);
  const content = readTexts(text, domains?.alternatives[0]);
  const storage = readStorage(text, content.name);
  return {
    text,
    kind: kindOf(withoutQuotes(text), { named: domains !== undefined, storage, folder }),
    domains,
    unnamedDomain: domains ? undefined : readUnnamedDomain(text),
    storage,
    folder,
    content,
    limit: limitOf(text),
  };
}

function kindOf(
  text: string,
  { named, storage, folder }: { named: boolean; storage: unknown; folder: unknown },
): Goal["kind"] {
  if (
    ASKS_PRICE.test(text) &&
    !/[.!]\s+\w*\s*(then |and )?(put|deploy|build|register|buy)\b/i.test(text)
  )
    return "question";
  const builds = BUILD.test(text);
  if (ASKS.test(text) && !builds) return "question";
  if ((builds && (THING.test(text) || named)) || folder !== undefined) return "site";
  if (THING.test(text) && (named || storage !== undefined)) return "site";
  if (THING.test(text) && /\b(for|called|named)\b/i.test(text)) return "site";
  return BUY.test(text) ? "buy" : "unclear";
}

function limitOf(text: string): bigint | undefined {
  const amount = LIMIT.exec(withoutQuotes(text))?.[1];
  return amount === undefined ? undefined : parseDecimal(amount, 6);
}
