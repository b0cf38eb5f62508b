/**
 * The human of a scenario: answers by the scenario's policy, at once. What the policy does not name is declined, so that a
 * scenario says every yes that it counts on.
 */
import type { Human, HumanAnswer, HumanAsk } from "../../protocol/index.ts";
import type { HumanPolicy } from "../format/scenario.ts";

export function scriptedHuman(policy: HumanPolicy): Human {
  const answers = [...(policy.question ?? [])];
  return {
    ask({ kind }: HumanAsk): Promise<HumanAnswer> {
      if (kind !== "question") return Promise.resolve({ answer: policy[kind] ?? "decline" });
      const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? "";
      return Promise.resolve({ answer: answer === "" ? "(no answer)" : answer });
    },
  };
}

/**
 * The human of an unattended run in the local world, where the money is play money and the terms are our own provider's:
 * accepts what a user of `purser run` asked for by starting it. The record says so for every ask.
 */
export const LOCAL_DEFAULT_POLICY: HumanPolicy = {
  terms: "accept",
  consent: "accept",
  payment_method: "accept",
  approval: "accept",
  question: ["Use your best judgement."],
};
