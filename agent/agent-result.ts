/** What a run of the agent came to. */
import type { ErrorBody } from "../protocol/index.ts";
import type { Outcome } from "./finish.ts";

/** Why the loop stopped: `finish` is the agent's own word, everything else ended it. */
export type StopReason =
  | "finish"
  | "step_limit"
  | "no_tool_call"
  | "timeout"
  | "cancelled"
  | "model_error"
  | "error";

export interface AgentResult {
  outcome: Outcome;
  /** As it stands, for any HTTP client; only where the site was seen to answer. */
  url?: string;
  hostname?: string;
  /** The answer, where the goal was a question; what to know besides, where a site is live. */
  answer?: string;
  /** Why a run stopped short of its goal. */
  reason?: string;
  /** What stopped it. */
  error?: ErrorBody;
  /** Calls of the model. */
  steps: number;
  tokens: { input: number; output: number };
  /** In US dollars, decimal text; null when the model's prices are not known. */
  modelCost: string | null;
  stopReason: StopReason;
  /** How many calls of tools ended in an error. */
  toolErrors: number;
}
