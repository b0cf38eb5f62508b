/**
 * The planner: a language model without a language model. It reads the goal with plain patterns, the catalog and the tools'
 * results as any model would, and decides the next call deterministically. A baseline, and what runs when there is no key.
 */
import { scriptedModel } from "../models/scripted-model.ts";
import { readHistory } from "./history.ts";
import { nextStep, type PlannerOptions } from "./next-step.ts";

export function plannerModel({ naive = false }: PlannerOptions = {}) {
  return scriptedModel({
    id: naive ? "naive" : "planner",
    decide: (conversation) => nextStep(readHistory(conversation), { naive }),
  });
}
