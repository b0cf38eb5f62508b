/** What the person has answered to a question of this run. Each question is asked once. */
import type { Decision } from "../models/scripted-model.ts";
import type { Facts } from "./facts.ts";
import { call } from "./step.ts";

/** The answer, "" where there was none, or undefined while the question is not asked. */
export function answerTo({ calls }: Facts, question: string): string | undefined {
  const asked = calls.findLast(
    ({ tool, input }) => tool === "ask_human" && isAbout(input, question),
  );
  if (!asked) return undefined;
  const output = asked.output as { answer?: unknown } | null | undefined;
  return !asked.error && typeof output?.answer === "string" ? output.answer : "";
}

export function askHuman(why: string, question: string, choices?: string[]): Decision {
  return call(why, { tool: "ask_human", input: { question, ...(choices ? { choices } : {}) } });
}

/** Nothing but a plain yes is one: "use your best judgement" and "yes, but" are not. */
export function isYes(answer: string): boolean {
  return /^\s*(?:yes|y|yes,? please|yes,? (?:you may|do|go ahead|buy it|do it)|ok|okay|sure|go ahead)[.!\s]*$/i.test(
    answer,
  );
}

function isAbout(input: unknown, question: string): boolean {
  return (input as { question?: unknown } | null | undefined)?.question === question;
}
