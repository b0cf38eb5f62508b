/** How a performance of ring 3 is judged: what is plainly wrong, then what nobody could see, then that it holds. */
import { broken, holds, noted, type Outcome, unseen } from "../case.ts";
import type { Context } from "../context.ts";
import { setTimeout } from "node:timers/promises";
import { isGrant } from "../pay/judge-refusal.ts";
import { LATER, leaks, type Performance } from "../pay/stage.ts";
import { type Exchange, headerOf } from "../wire/exchange.ts";

const BLIND =
  "Whether the work was done is not seen: let it call the witness (WITNESS_URL), as docs/check.md shows.";

/** How an exchange ended, in a word. */
export const endOf = ({ answer, failure }: Exchange): string =>
  `${answer?.status ?? failure ?? "no answer"}`;

/** It answered a good payment and did not settle it, so that nothing is seen of how it takes what settling brings. */
export const unsettled = (exchange: Exchange): Outcome =>
  unseen(`A good payment was answered with ${endOf(exchange)}, and not sent to be settled.`);

/** Broken where there is a problem; where nobody saw the work (`blind`) it cannot be said to hold. */
export function judgeStage(problems: readonly string[], good: string, blind = false): Outcome {
  if (problems.length > 0) {
    const text = `${problems.slice(0, 4).join("; ")}.`;
    return broken(text.charAt(0).toUpperCase() + text.slice(1));
  }
  return blind ? unseen(`${good} ${BLIND}`) : holds(good);
}

/** What is wrong where something must not have been sold: a grant, a leak of the work, money taken, or silence. */
export async function soldInSpite(
  { expect }: Context,
  performance: Performance,
): Promise<string[]> {
  const { exchange, happened, isPaid } = performance;
  const problems: string[] = [];
  if (!exchange.answer) problems.push(`no answer (${endOf(exchange)})`);
  if (isGrant(exchange)) problems.push(`it was granted with ${endOf(exchange)}`);
  else if (leaks(exchange, happened(), expect.marker))
    problems.push(`the ${endOf(exchange)} holds what was for sale`);
  if (await isPaid()) problems.push("the money was taken");
  return problems;
}

export interface Resolution {
  readonly problems: readonly string[];
  readonly notes: readonly string[];
  readonly told: string;
}

/** What became of a payment whose settlement the endpoint could not know: it must end paid and delivered, or neither. */
export async function resolve(performance: Performance): Promise<Resolution> {
  const { exchange, isPaid, again, relent } = performance;
  const problems: string[] = [];
  const notes: string[] = [];
  if (!exchange.answer) problems.push(`no answer (${endOf(exchange)})`);
  if (isGrant(exchange) && !(await isPaid()))
    problems.push("it was granted, and the money has not moved");
  relent();
  let last = exchange;
  for (let turn = 0; turn < 4 && !isGrant(last); turn++) {
    if (turn > 0) await setTimeout(600 * turn);
    last = await again();
    if (last.answer && !LATER.has(last.answer.status)) break;
  }
  const paid = await isPaid();
  const told = `${endOf(exchange)}, then ${endOf(last)}, ${paid ? "paid" : "not paid"}`;
  if (paid && !isGrant(last))
    problems.push(`the money was taken, and the same payment is answered with ${endOf(last)}`);
  if (!paid && isGrant(last)) problems.push("it was granted in the end, and never paid");
  if (asksAnew(exchange))
    notes.push(
      "the 402 asks for a payment anew, and a client that signs again may be charged twice: 503 with Retry-After does not",
    );
  return { problems: [...new Set(problems)], notes, told };
}

const asksAnew = ({ answer }: Exchange): boolean => answer?.status === 402;

/** One verdict on several. */
export function judgeResolutions(all: Readonly<Record<string, Resolution>>): Outcome {
  const named = (list: "problems" | "notes") =>
    Object.entries(all).flatMap(([name, each]) => each[list].map((text) => `${name}: ${text}`));
  const problems = named("problems");
  if (problems.length > 0) return broken(`${problems.slice(0, 4).join("; ")}.`);
  const notes = named("notes");
  if (notes.length > 0)
    return noted(`${notes[0]}${notes.length > 1 ? ` (and ${notes.length - 1} more)` : ""}.`);
  const told = Object.entries(all).map(([name, each]) => `${name}: ${each.told}`);
  return holds(`${told.slice(0, 6).join("; ")}.`);
}

/** Whether an answer that is no grant says when to come again. */
export const saysWhen = ({ answer }: Exchange): boolean =>
  answer !== undefined && headerOf(answer, "retry-after") !== undefined;
