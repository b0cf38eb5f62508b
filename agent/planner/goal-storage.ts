/** What a goal wants kept: whether there is storage at all, under which paths, and how people see it. */
import { withoutQuotes } from "./quotes.ts";

export interface StorageWish {
  /** Paths of collections, such as "/notes". */
  collections: string[];
  /** True for a visit counter. */
  counter: boolean;
  /** True where people write on the page itself (a guestbook), and not programs through an API alone. */
  form: boolean;
}

const KEEPING =
  /\b(?:to|can|that|which|and|must|should|will|it|visitors?|users?|people|us|me)\s+(?:\w+ly\s+)?(?:store|save|remember|persist|record|keep)s?\b(?!\s+(?:it\s+)?(?:simple|short|small|under|within|up))|\b(?:stor|sav|remember|persist)ing\b/i;
const THINGS =
  /\b(key[- ]value|KV|database|data ?store|counter|guest ?book|notes?|to-?dos?|todo list|wait(?:ing)? ?list|sign-?ups?|bookmarks?|poll|votes?|leaderboard|storage|comments?|shopping list)\b/i;
const NOUN_PATHS: readonly [RegExp, string][] = [
  [/\bguest ?book\b/i, "/entries"],
  [/\bnotes?\b/i, "/notes"],
  [/\bto-?dos?\b|\btasks?\b/i, "/todos"],
  [/\bmessages?\b/i, "/messages"],
  [/\bbookmarks?\b/i, "/bookmarks"],
  [/\bcomments?\b/i, "/comments"],
  [/\bsign-?ups?\b|\bwait(?:ing)? ?list\b/i, "/signups"],
];
const PATH =
  /(?<![\w.:/<>])((?:\/[a-z][\w-]*)+)(?:\/(?:<[^<>\s]{1,40}>|:[\w-]+|\{[^{}\s]{1,40}\}|\*|\[[^[\]\s]{1,40}\]))?/gi;

/** `name` is what the page is called; "Nimbus Notes" is no wish for notes. */
export function readStorage(goal: string, name: string): StorageWish | undefined {
  // A path may stand in quotation marks; other quoted words are only shown.
  const text = withoutQuotes(goal, (quoted) => /^(?:[A-Z]+ )?\//.test(quoted))
    .replaceAll(name, " ")
    .replace(/(?<![\w/.-])[\w-]{1,63}(?:\.[\w-]{1,63}){0,4}\.[a-z]{2,24}\b/gi, " ");
  const counter =
    /\b(counter|counts? (?:the |how many )?(?:visit|view|hit)\w*|(?:visit|view|hit) count)\b/i.test(
      text,
    );
  if (!KEEPING.test(text) && !THINGS.test(text) && !counter) return undefined;
  const named = [...text.matchAll(PATH)].map(([, path = ""]) => path.toLowerCase());
  const meant = NOUN_PATHS.filter(([noun]) => noun.test(text)).map(([, path]) => path);
  const collections = [...new Set(named.length > 0 ? named : meant)].filter(
    (path) => path !== "/counter",
  );
  const api = /\b(API|REST|endpoints?|JSON|PUT|POST|GET|HTTP)\b/.test(text);
  return {
    collections: collections.length > 0 || counter ? collections : ["/items"],
    counter,
    form: !api && collections.length > 0,
  };
}
