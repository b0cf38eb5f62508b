/**
 * One run of an agent: a model, the tools, a goal, until it finishes, runs out of steps or time, or its model fails. It always
 * ends with a result and never throws for what the model, the orchestrator or a provider did.
 */
import type { LanguageModel, ModelMessage } from "ai";
import { type Secret, type Trace, type TraceEvent, toErrorBody } from "../protocol/index.ts";
import { AgentError } from "./agent-error.ts";
import type { AgentResult, StopReason } from "./agent-result.ts";
import { finishError } from "./finish.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { modelError } from "./model-error.ts";
import { isScripted } from "./models/scripted-model.ts";
import { Session } from "./session.ts";
import { createTools } from "./tools/index.ts";

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

const NUDGE =
  "You stopped without calling finish. Go on with the next tool, or call finish and say how it went.";
const MAX_NUDGES = 2;

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
  const { stopReason, error } = await loop(options, session, meter).then(
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

type Meter = Pick<AgentResult, "steps" | "tokens">;

async function loop(options: RunAgentOptions, session: Session, meter: Meter): Promise<StopReason> {
  const { ToolLoopAgent } = await import("ai");
  // Our own record has the warnings' substance; the SDK would print them into the person's terminal.
  globalThis.AI_SDK_LOG_WARNINGS ??= false;
  const { maxSteps = 30 } = options;
  const agent = new ToolLoopAgent({
    model: options.model,
    instructions: INSTRUCTIONS,
    tools: createTools(session),
    // By default the calls of one step run at once, and nothing that spends may.
    toolCallConcurrency: 1,
    maxRetries: options.maxRetries ?? 2,
    stopWhen: () => session.finish !== undefined || meter.steps >= maxSteps,
    onLanguageModelCallEnd: ({ content, usage, finishReason, performance }) => {
      meter.steps += 1;
      meter.tokens.input += usage.inputTokens ?? 0;
      meter.tokens.output += usage.outputTokens ?? 0;
      session.options.trace.append(
        session.scrubber.scrub<TraceEvent>({
          type: "model",
          step: meter.steps,
          model: options.modelName,
          text: content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(""),
          toolCalls: content.flatMap((part) =>
            part.type === "tool-call"
              ? [{ name: part.toolName, input: part.input as unknown }]
              : [],
          ),
          tokens: { input: usage.inputTokens ?? 0, output: usage.outputTokens ?? 0 },
          finishReason,
          durationMs: Math.round(performance.responseTimeMs),
        }),
      );
    },
  });
  const messages: ModelMessage[] = [{ role: "user", content: options.goal }];
  for (let nudges = 0; ; nudges += 1) {
    const { responseMessages } = await unlessAborted(
      agent.generate({ messages, abortSignal: session.options.signal }),
      session.options.signal,
    );
    if (session.finish) return "finish";
    if (meter.steps >= maxSteps) return "step_limit";
    if (nudges === MAX_NUDGES) return "no_tool_call";
    messages.push(...responseMessages, { role: "user", content: NUDGE });
  }
}

/** Rejects as soon as the signal does, whatever a model or a tool makes of it. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // What is not waited for any more may still fail, and nobody is left to hear it.
  work.catch(() => {});
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
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
