/** A folder that the goal speaks of and does not name: asked for, never guessed, because all that is in it would be public. */
import type { Decision } from "../models/scripted-model.ts";
import type { Facts } from "./facts.ts";
import type { Goal } from "./goal.ts";
import { folderInAnswer } from "./goal-folder.ts";
import { answerTo, askHuman } from "./human-answer.ts";
import { stop } from "./step.ts";

const QUESTION = 'In which folder are the files of your site ("." is this one)?';

/** The goal with its folder named, or the question that tells. */
export function nameFolder(goal: Goal, facts: Facts): Goal | Decision {
  if (!goal.unnamedFolder || goal.kind !== "site") return goal;
  const answer = answerTo(facts, QUESTION);
  if (answer === undefined)
    return askHuman("The goal wants files of the user's own and does not say where.", QUESTION);
  const folder = folderInAnswer(answer);
  if (folder !== undefined) return { ...goal, folder, unnamedFolder: false };
  return stop(
    "refused",
    "unclear_folder",
    "The goal wants a site of the user's own, and nobody said in which folder it is. Nothing was bought.",
  );
}
