/**
 * Whether the goal lets something be bought at all, asked before any account is: never where it says not to, nor where the
 * name is the person's already; and only after a plain yes where it speaks of money in words that are not understood.
 */
import type { Facts } from "./facts.ts";
import type { Goal } from "./goal.ts";
import { answerTo, askHuman, isYes } from "./human-answer.ts";
import { writeMoney } from "./price.ts";
import type { Ask, Ruling } from "./ruling.ts";

export interface Purchase {
  /** Such as "nimbus.dev". */
  what: string;
  price: bigint;
  provider: string;
  isDomain: boolean;
}

const OPENING = "The goal says";

/** Why it may not be bought, or the question that tells; undefined where it may. */
export function maySpend(
  { what, price, provider, isDomain }: Purchase,
  { spending: { forbidden, owned, unclear } }: Goal,
  facts: Facts,
): Ruling | Ask | undefined {
  const costs = `${what} costs ${writeMoney(price)} at ${provider}`;
  if (forbidden !== undefined) {
    return {
      cause: "purchase_forbidden",
      reason: `${costs}, and the goal says "${forbidden}"`,
    };
  }
  if (owned !== undefined && isDomain) {
    return {
      cause: "domain_owned",
      reason: `The goal says "${owned}", so ${what} is not bought again; this project has not bought it at ${provider}, and a page can only go on a domain that its account holds`,
    };
  }
  if (unclear.length === 0) return undefined;
  const words = unclear.map((some) => `"${some}"`).join(" and ");
  const reason = `${costs}, and the goal says ${words}, which the planner does not understand completely`;
  const question = `${OPENING} ${words}, which I do not understand completely. May I buy ${what} for ${writeMoney(price)} at ${provider}?`;
  const answer = answerTo(facts, question);
  if (answer !== undefined && isYes(answer)) return undefined;
  // One question of the kind is enough: who does not say yes to the cheapest is not asked about the next.
  if (answer !== undefined || hasAskedOther(facts)) return { cause: "unclear_spending", reason };
  return { step: askHuman("The goal says something about money.", question, ["yes", "no"]) };
}

function hasAskedOther({ calls }: Facts): boolean {
  return calls.some(({ tool, input, output }) => {
    const question = (input as { question?: unknown } | null | undefined)?.question;
    const answer = (output as { answer?: unknown } | null | undefined)?.answer;
    const about = tool === "ask_human" && String(question).startsWith(OPENING);
    return about && !(typeof answer === "string" && isYes(answer));
  });
}
