/**
 * The trace of a run: what happened, in order, one JSON object a line. Every party appends to the same one through `Trace`.
 * Secrets are kept out by type (`Secret` writes itself as "[secret]"), and amounts are decimal text.
 */
import type { ErrorBody } from "./error.ts";
import type { HumanAskKind } from "./human.ts";
import type { PurchaseState } from "./orchestrator-api.ts";

export type TraceEvent =
  | {
      type: "run";
      goal: string;
      model: string;
      budget: string;
      scenario?: string;
      resumed?: boolean;
    }
  | { type: "stage"; name: string; durationMs?: number }
  /** Such as a provider that cannot be used. */
  | { type: "warning"; text: string }
  | {
      type: "model";
      step: number;
      model: string;
      text: string;
      toolCalls: { name: string; input: unknown }[];
      tokens: { input: number; output: number };
      finishReason: string;
      durationMs: number;
    }
  | {
      type: "tool";
      name: string;
      input: unknown;
      output?: unknown;
      error?: ErrorBody;
      durationMs: number;
    }
  | { type: "human"; kind: HumanAskKind; question: string; answer: string; provider?: string }
  | { type: "connection"; provider: string; accountId: string }
  | { type: "resource"; service: string; id: string; status: string }
  | { type: "quote"; service: string; amount: string; currency: string; payTo: string }
  | { type: "refusal"; service: string; error: ErrorBody }
  | {
      type: "payment";
      purchase: string;
      provider: string;
      service: string;
      state: PurchaseState;
      amount: string;
      asset: string;
      network: string;
      payTo: string;
      transaction?: string;
    }
  | { type: "deploy"; service: string; name: string; url?: string; hostname?: string }
  | { type: "check"; name: string; passed: boolean; detail: string }
  | { type: "outcome"; outcome: string; passed: boolean; url?: string; error?: ErrorBody };

/** A line of `trace.jsonl`. */
export type TraceLine = TraceEvent & {
  /** Milliseconds since the epoch. */
  at: number;
};

export interface Trace {
  append(event: TraceEvent): void;
}
