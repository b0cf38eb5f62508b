/**
 * What has happened so far, read from the conversation: the goal, and every call of a tool with what came of it. The planner
 * keeps no state of its own; this is all it knows.
 */
import { z } from "zod";
import type { Conversation } from "../models/scripted-model.ts";

const Failure = z.looseObject({
  error: z.looseObject({
    code: z.string(),
    problem: z.string(),
    details: z.record(z.string(), z.string()).optional(),
  }),
});
export type CallError = z.output<typeof Failure>["error"];

export interface PastCall {
  tool: string;
  input: unknown;
  output: unknown;
  error: CallError | undefined;
}

export interface History {
  goal: string;
  calls: PastCall[];
}

export function readHistory(conversation: Conversation): History {
  const inputs = new Map<string, unknown>();
  const calls: PastCall[] = [];
  let goal = "";
  for (const message of conversation) {
    if (message.role === "user" && goal === "") {
      goal = message.content
        .flatMap((part) => (part.type === "text" ? [part.text] : []))
        .join("\n");
    }
    if (message.role === "assistant") {
      for (const part of message.content) {
        if (part.type === "tool-call") inputs.set(part.toolCallId, readInput(part.input));
      }
    }
    if (message.role !== "tool") continue;
    for (const part of message.content) {
      if (part.type !== "tool-result") continue;
      const output = "value" in part.output ? (part.output.value as unknown) : undefined;
      const failed =
        part.output.type.startsWith("error") || part.output.type === "execution-denied";
      const error = Failure.safeParse(output).data?.error;
      calls.push({
        tool: part.toolName,
        input: inputs.get(part.toolCallId),
        output,
        error: error ?? (failed ? { code: "TOOL_FAILED", problem: String(output) } : undefined),
      });
    }
  }
  return { goal, calls };
}

/** Some models' adapters hand the input back as the JSON text that was sent. */
function readInput(input: unknown): unknown {
  if (typeof input !== "string") return input;
  try {
    return JSON.parse(input) as unknown;
  } catch {
    return input;
  }
}
