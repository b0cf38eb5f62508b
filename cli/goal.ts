/** What `purser run` is given: the path of a scenario file, or a sentence, which has blanks in it. */
import { relative, resolve } from "node:path";
import { readScenario, type Scenario, sentenceScenario } from "../scenarios/index.ts";
import { UsageError } from "./exit.ts";

export interface Goal {
  scenario: Scenario;
  /** Relative to the current folder, or null for a sentence. */
  file: string | null;
}

export async function readGoal(text: string, cwd: string): Promise<Goal> {
  const trimmed = text.trim();
  if (trimmed === "") {
    throw new UsageError("USAGE", {
      problem: "The goal is empty.",
      nextStep: 'Give a scenario file, or a sentence such as "Put a page for Ada on ada.dev".',
    });
  }
  if (!isFile(trimmed)) return { scenario: sentenceScenario(trimmed, cwd), file: null };
  const path = resolve(cwd, trimmed);
  const file = relative(cwd, path);
  return { scenario: await readScenario(path), file: file.startsWith("..") ? path : file };
}

function isFile(text: string): boolean {
  return /\.(md|markdown|ya?ml|json|txt)$/i.test(text) || !/\s/.test(text);
}
