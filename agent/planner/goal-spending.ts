/**
 * What a goal says about spending. It fails closed: a limit counts however it is worded, "buy nothing" is obeyed, and words
 * about money that are not understood are handed on as `unclear`, so that nobody spends before the person has said more.
 */
import { parseDecimal } from "../../protocol/index.ts";
import { withoutQuotes } from "./quotes.ts";
import {
  AMBIGUOUS,
  doubtsBuying,
  FORBIDDING,
  HESITATIONS,
  HOSTNAMES,
  LIMITS,
  MONEY_WORDS,
  NOT,
  OWNED,
  UNDERSTOOD,
  withoutHarmless,
} from "./spending-patterns.ts";

export interface Spending {
  /** The most that the goal allows to be spent, in millionths of a dollar. */
  limit: bigint | undefined;
  /** The words that forbid buying. */
  forbidden: string | undefined;
  /** The words that say that the domain is the person's already. */
  owned: string | undefined;
  /** Words about money that the planner does not understand. */
  unclear: string[];
  /** What the goal says to do: without its quotes, its limits, and what it says not to do. */
  rest: string;
}

const MICROS = 6;
const AMOUNT_ONLY = /^[\s$\d.]*(?:dollars?|usdc?)?$/i;
const NOT_TO_DO = new RegExp(
  `\\b${NOT} (?:put|build|make|create|deploy|publish|launch|host|set ?up|touch|change|add|do|use)\\b(?:(?![,;!?\\n]|\\.(?:\\s|$)|\\s(?:but|and|just|then)\\s)[^]){0,200}`,
  "gi",
);
const LEADING_NOT = new RegExp(`^${NOT}\\b`, "i");
/** "if it is already registered" says nothing about whose it is. */
const CONDITIONS = /\b(?:if|when|whether|unless)\b(?:(?![,;!?\n]|\.\s)[^]){0,200}/gi;

export function readSpending(goal: string): Spending {
  const text = withoutQuotes(goal, (quoted) => AMOUNT_ONLY.test(quoted)).replaceAll(/[’‘`´]/g, "'");
  const limits = takeOut(text, LIMITS);
  const understood = takeOut(limits.left, UNDERSTOOD);
  const forbidding = takeOut(understood.left, FORBIDDING);
  const notToDo = takeOut(forbidding.left, [NOT_TO_DO]);
  const ambiguous = forbidding.taken.filter(({ words }) =>
    AMBIGUOUS.test(words.replace(LEADING_NOT, "")),
  );
  const spoken = limits.left.replaceAll(CONDITIONS, " ");
  return {
    limit: limits.taken
      .flatMap(({ group }) => (group === undefined ? [] : [parseDecimal(group, MICROS)]))
      .toSorted((a, b) => (a < b ? -1 : 1))[0],
    forbidden: forbidding.taken.find((found) => !ambiguous.includes(found))?.words,
    owned: OWNED.map((known) => known.exec(spoken)?.[0]).find((words) => words !== undefined),
    unclear: [
      ...ambiguous.map(({ words }) => words),
      ...HESITATIONS.flatMap((known) => known.exec(limits.left)?.[0].trim() ?? []),
      ...forbidding.left
        .replaceAll(HOSTNAMES, "it")
        .split(/(?<=[.!?;])\s|\n/)
        .flatMap((sentence) => doubtIn(sentence) ?? []),
    ],
    rest: [...limits.taken, ...forbidding.taken, ...notToDo.taken].reduce(
      (left, { words }) => left.replace(words, " "),
      text,
    ),
  };
}

/** What two texts allow together: the stricter of each. */
export function bothOf(first: Spending, second: Spending): Spending {
  const limits = [first.limit, second.limit].filter((limit) => limit !== undefined);
  return {
    ...first,
    limit: limits.toSorted((a, b) => (a < b ? -1 : 1))[0],
    forbidden: first.forbidden ?? second.forbidden,
    owned: first.owned ?? second.owned,
    unclear: [...first.unclear, ...second.unclear],
  };
}

interface Taken {
  words: string;
  /** The first group that matched, which is the amount of a limit. */
  group: string | undefined;
}

function takeOut(text: string, patterns: readonly RegExp[]): { left: string; taken: Taken[] } {
  const taken: Taken[] = [];
  let left = text;
  for (const known of patterns) {
    left = left.replace(known, (words: string, ...groups: unknown[]) => {
      const group = groups.slice(0, -2).find((found) => typeof found === "string");
      taken.push({ words: words.trim(), group });
      return " ";
    });
  }
  return { left, taken };
}

/** What in a sentence speaks of money and was not understood. */
function doubtIn(sentence: string): string | undefined {
  const heard = withoutHarmless(sentence);
  for (const known of MONEY_WORDS) {
    const words = known.exec(heard)?.[0];
    if (words !== undefined) return words.trim();
  }
  return doubtsBuying(sentence) ? sentence.trim().slice(0, 200) : undefined;
}
