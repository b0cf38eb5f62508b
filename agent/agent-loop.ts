/**
 * The loop of an agent: the model is asked, its tools run one after the other, and so on until the agent finishes. A model
 * that stops without finishing is told so, twice at most.
 */
import type { ModelMessage } from "ai";
import type { TraceEvent } from "../protocol/index.ts";
import type { AgentResult, StopReason } from "./agent-result.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import type { RunAgentOptions } from "./run-agent.ts";
import type { Session } from "./session.ts";
import { createTools } from "./tools/index.ts";

const NUDGE =
  "You stopped without calling finish. Go on with the next tool, or call finish and say how it went.";
const MAX_NUDGES = 2;

/** What a run has used so far; it is right also when the run breaks off. */
export type Meter = Pick<AgentResult, "steps" | "tokens">;

export type LoopOptions = Pick<
  RunAgentOptions,
  "goal" | "model" | "modelName" | "maxSteps" | "maxRetries"
>;

/** Runs the model until the agent finishes or its steps are used up; throws what the model or the signal threw. */
export async function runLoop(
  session: Session,
  meter: Meter,
  { goal, model, modelName, maxSteps = 30, maxRetries = 2 }: LoopOptions,
): Promise<StopReason> {
  const { ToolLoopAgent } = await import("ai");
  // Our own record has the warnings' substance; the SDK would print them into the person's terminal.
  globalThis.AI_SDK_LOG_WARNINGS ??= false;
  const agent = new ToolLoopAgent({
    model,
    instructions: INSTRUCTIONS,
    tools: createTools(session),
    // By default the calls of one step run at once, and nothing that spends may.
    toolCallConcurrency: 1,
    maxRetries,
    stopWhen: () => session.finish !== undefined || meter.steps >= maxSteps,
    onLanguageModelCallEnd: ({ content, usage, finishReason, performance }) => {
      meter.steps += 1;
      meter.tokens.input += usage.inputTokens ?? 0;
      meter.tokens.output += usage.outputTokens ?? 0;
      session.options.trace.append(
        session.scrubber.scrub<TraceEvent>({
          type: "model",
          step: meter.steps,
          model: modelName,
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
  const messages: ModelMessage[] = [{ role: "user", content: goal }];
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
