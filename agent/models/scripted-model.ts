/**
 * A language model that is a function: it reads the messages and the tools on offer, as any model does, and decides. It has
 * no memory and no clock, so the same conversation always gets the same next step, and a run can be resumed or replayed.
 */
import type { LanguageModel } from "ai";

type LanguageModelV4 = Extract<LanguageModel, { specificationVersion: "v4" }>;
type CallOptions = Parameters<LanguageModelV4["doGenerate"]>[0];
type GenerateResult = Awaited<ReturnType<LanguageModelV4["doGenerate"]>>;
type StreamPart =
  Awaited<ReturnType<LanguageModelV4["doStream"]>>["stream"] extends ReadableStream<infer Part>
    ? Part
    : never;

export type Conversation = CallOptions["prompt"];

/** What a scripted model says and which tools it calls. */
export interface Decision {
  text: string;
  calls: { tool: string; input: unknown }[];
}

const PROVIDER = "purser";

/** Makes a model of a function. Calls of tools that are not on offer are left out. */
export function scriptedModel({
  id,
  decide,
}: {
  id: string;
  decide: (conversation: Conversation) => Decision;
}): LanguageModelV4 {
  const generate = ({ prompt, tools }: CallOptions): GenerateResult => {
    const offered = new Set(tools?.map(({ name }) => name));
    const { text, calls } = decide(prompt);
    const made = calls.filter(({ tool }) => offered.has(tool));
    // Ids follow from the place in the conversation: chance has no part in a scripted model.
    const content = made.map(({ tool, input }, index) => ({
      type: "tool-call" as const,
      toolCallId: `call-${prompt.length}-${index}`,
      toolName: tool,
      input: JSON.stringify(input),
    }));
    return {
      content: [...(text === "" ? [] : [{ type: "text" as const, text }]), ...content],
      finishReason: { unified: made.length > 0 ? "tool-calls" : "stop", raw: undefined },
      usage: {
        inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 0, text: 0, reasoning: 0 },
      },
      warnings: [],
    };
  };
  return {
    specificationVersion: "v4",
    provider: PROVIDER,
    modelId: id,
    supportedUrls: {},
    doGenerate: async (options) => {
      options.abortSignal?.throwIfAborted();
      return generate(options);
    },
    doStream: async (options) => {
      options.abortSignal?.throwIfAborted();
      return { stream: ReadableStream.from(streamParts(generate(options))) };
    },
  };
}

function* streamParts({ content, finishReason, usage }: GenerateResult): Generator<StreamPart> {
  yield { type: "stream-start", warnings: [] };
  for (const [index, part] of content.entries()) {
    if (part.type === "text") {
      const id = `text-${index}`;
      yield { type: "text-start", id };
      yield { type: "text-delta", id, delta: part.text };
      yield { type: "text-end", id };
    } else if (part.type === "tool-call") {
      yield part;
    }
  }
  yield { type: "finish", finishReason, usage };
}

/** Whether a model is one of ours, which cost nothing. */
export function isScripted(model: LanguageModel): boolean {
  return typeof model !== "string" && model.provider === PROVIDER;
}
