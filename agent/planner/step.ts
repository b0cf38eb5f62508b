/** One step of the planner: what it says, and the tools it calls; or the end of the run. */
import type { Cause, Outcome } from "../finish.ts";
import type { Decision } from "../models/scripted-model.ts";

export interface ToolCall {
  tool: string;
  input: Record<string, unknown>;
}

export function call(text: string, ...calls: ToolCall[]): Decision {
  return { text, calls };
}

export function live(remarks: readonly string[]): Decision {
  const answer = remarks.length > 0 ? { answer: remarks.join(" ") } : {};
  const input = { outcome: "live", ...answer };
  return call("The site answers as it should.", { tool: "finish", input });
}

export function answer(text: string): Decision {
  return call(text, { tool: "finish", input: { outcome: "answered", answer: text } });
}

export function stop(
  outcome: Exclude<Outcome, "live" | "answered">,
  cause: Cause,
  reason: string,
): Decision {
  return call(reason, { tool: "finish", input: { outcome, cause, reason } });
}
