/**
 * One run of an agent: a model, the tools, a goal, until it finishes, runs out of steps or time, or its model fails. It always
 * ends with a result and never throws for what the model, the orchestrator or a provider did.
 */
import type { LanguageModel } from "ai";
import { type Secret, type Trace, type TraceEvent, toErrorBody } from "../protocol/index.ts";
import { AgentError } from "./agent-error.ts";
import { runLoop } from "./agent-loop.ts";
import type { AgentResult, StopReason } from "./agent-result.ts";
import { finishError } from "./finish.ts";
import { modelError } from "./model-error.ts";
import { isScripted } from "./models/scripted-model.ts";
import { Session } from "./session.ts";

export interface RunAgentOptions {
  /** What the person wants, in their own words. */
  goal: string;
  model: LanguageModel;
  /** The name the person chose the model by, for the record. */
  modelName: string;
  orchestratorUrl: string;
  /** The run's capability token. */
  token: Secret;
  /** A folder of the user's own, whose parts the agent may deploy. */
  workspace?: string | undefined;
  trace: Trace;
  fetch?: typeof fetch;
  now?: () => number;
  /** Calls of the model. */
  maxSteps?: number;
  timeoutMs?: number;
  /** How often a call of the model that failed is repeated. */
  maxRetries?: number;
  signal?: AbortSignal | undefined;
  /** Each event of this run as it happens, also written to the trace. */
  onProgress?: ((event: TraceEvent) => void) | undefined;
  /** Only for the naive calibration agent: 402s are paid without being compared with the catalog. */
  uncheckedOffers?: boolean | undefined;
}

/** Loads what a run needs ahead of it, while something else is waited for. */
export async function preloadAgent(): Promise<void> {
  await import("ai");
}

export async function runAgent(options: RunAgentOptions): Promise<AgentResult> {
  const { trace, onProgress, timeoutMs = 10 * 60_000, signal } = options;
  const deadline = AbortSignal.timeout(timeoutMs);
  const session = new Session({
    orchestratorUrl: options.orchestratorUrl,
    token: options.token,
    fetch: options.fetch ?? globalThis.fetch,
    trace: {
      append(event) {
        trace.append(event);
        onProgress?.(event);
      },
    },
    now: options.now ?? Date.now,
    signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    workspace: options.workspace,
    uncheckedOffers: options.uncheckedOffers,
  });
  const meter = { steps: 0, tokens: { input: 0, output: 0 } };
  const { stopReason, error } = await runLoop(session, meter, options).then(
    (stopReason) => ({ stopReason, error: unfinished(stopReason, meter.steps) }),
    (thrown: unknown) => interruption(thrown, options, { deadline, timeoutMs }),
  );
  return {
    ...verdict(session, stopReason, error),
    ...meter,
    modelCost: isScripted(options.model) ? "0.00" : null,
    stopReason,
    toolErrors: session.errors.length,
  };
}

function unfinished(stopReason: StopReason, steps: number): AgentError | undefined {
  if (stopReason === "finish") return undefined;
  return new AgentError("RUN_UNFINISHED", {
    problem:
      stopReason === "step_limit"
        ? `The model did not finish within ${steps} steps.`
        : "The model stopped without saying how it went.",
    nextStep: "Resume the run, or choose a stronger model.",
  });
}

function interruption(
  thrown: unknown,
  { signal, modelName }: RunAgentOptions,
  { deadline, timeoutMs }: { deadline: AbortSignal; timeoutMs: number },
): { stopReason: StopReason; error: AgentError } {
  if (signal?.aborted) {
    const problem = "The run was cancelled.";
    const nextStep = "Resume it to go on; nothing is bought twice.";
    return {
      stopReason: "cancelled",
      error: new AgentError("RUN_CANCELLED", { problem, nextStep }),
    };
  }
  if (deadline.aborted) {
    const problem = `The run took longer than ${Math.round(timeoutMs / 1000)} s.`;
    const nextStep = "Resume it to go on; nothing is bought twice.";
    return { stopReason: "timeout", error: new AgentError("RUN_TIMEOUT", { problem, nextStep }) };
  }
  return { stopReason: "model_error", error: modelError(thrown, modelName) };
}

function verdict(
  session: Session,
  stopReason: StopReason,
  stopped: AgentError | undefined,
): Pick<AgentResult, "outcome" | "url" | "hostname" | "answer" | "reason" | "error"> {
  const { finish } = session;
  const site = session.site();
  const where = site?.verified ? { url: site.url, hostname: site.hostname } : {};
  if (!finish || stopReason !== "finish") {
    const error = session.scrubber.scrub(toErrorBody(stopped));
    return { outcome: "failed", reason: error.problem, error, ...where };
  }
  const { outcome, answer, reason } = session.scrubber.scrub(finish);
  const error = finishError(session.scrubber.scrub(finish));
  return {
    outcome,
    ...(outcome === "live" ? where : {}),
    ...(answer === undefined ? {} : { answer }),
    ...(reason === undefined ? {} : { reason }),
    ...(error === undefined ? {} : { error }),
  };
}
