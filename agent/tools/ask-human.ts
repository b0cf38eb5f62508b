/** `ask_human`: a question that only the person can answer. Every one costs them time, so a run has few. */
import { z } from "zod";
import { AgentError } from "../agent-error.ts";
import type { ToolDefinition } from "./tool.ts";

const MAX_QUESTIONS = 5;

const Input = z.object({
  question: z.string().min(1).max(2000),
  choices: z.array(z.string().min(1).max(200)).max(20).optional(),
});

export const askHuman = {
  name: "ask_human",
  description:
    "Asks the person one question and waits for the answer. Only for what neither the goal nor the catalog says.",
  input: Input,
  async run({ question, choices }, session) {
    session.questions += 1;
    if (session.questions > MAX_QUESTIONS) {
      throw new AgentError("TOO_MANY_QUESTIONS", {
        problem: `A run may ask the person ${MAX_QUESTIONS} questions.`,
        nextStep: "Decide from what you know, or finish and say what is unclear.",
      });
    }
    return { answer: await session.orchestrator.ask(question, choices) };
  },
} satisfies ToolDefinition<z.output<typeof Input>, unknown>;
