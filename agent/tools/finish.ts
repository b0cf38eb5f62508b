/** `finish`: the agent's own account of how it ended. "live" is only taken from an agent that has seen its site answer. */
import { z } from "zod";
import { AgentError } from "../agent-error.ts";
import { CAUSES, type Cause, OUTCOMES } from "../finish.ts";
import type { ToolDefinition } from "./tool.ts";

const Input = z.object({
  outcome: z
    .enum(OUTCOMES)
    .describe(
      `live: a site is up and verified. answered: the goal was a question. refused: going on would be wrong (too expensive, declined, an offer that is not the catalog's). failed: it could not be done.`,
    ),
  answer: z
    .string()
    .max(10_000)
    .optional()
    .describe("For answered; for live, what the person should know besides."),
  reason: z
    .string()
    .max(4000)
    .optional()
    .describe("For refused and failed: why, with the numbers."),
  cause: z.enum(Object.keys(CAUSES) as [Cause, ...Cause[]]).optional(),
});

export const finish = {
  name: "finish",
  description: "Ends the run. Say honestly how it went.",
  input: Input,
  run(input, session) {
    if (input.outcome === "live" && !session.site()?.verified) {
      throw new AgentError("NOT_LIVE", {
        problem: "No site of this run has been seen to answer as expected.",
        nextStep: "Deploy and verify it first, or finish with refused or failed.",
      });
    }
    session.finish = input;
    return { finished: true };
  },
} satisfies ToolDefinition<z.output<typeof Input>, unknown>;
