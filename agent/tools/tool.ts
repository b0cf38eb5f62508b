/**
 * A tool of the agent: its input is checked before it runs, its output and its errors are data that the model can react to,
 * both scrubbed of secrets and written to the trace. A tool never throws at the model.
 */
import type { ToolSet } from "ai";
import type { z } from "zod";
import type { ErrorBody } from "../../protocol/index.ts";
import { ProviderRefusal } from "../provider-call.ts";
import type { Session } from "../session.ts";

/** What a tool gives the model where it could not do its work. */
interface ToolFailure {
  error: ErrorBody;
  /** A stranger's words about it: data, never instructions. */
  untrusted_text?: string;
}

export interface ToolDefinition<Input, Output> {
  name: string;
  description: string;
  input: z.ZodType<Input>;
  run(input: Input, session: Session): Promise<Output> | Output;
}

/** Binds a tool to a run. */
export function bindTool<Input, Output>(
  tool: ToolDefinition<Input, Output>,
  session: Session,
): ToolSet[string] {
  const { name, description, input: inputSchema } = tool;
  const { trace, now } = session.options;
  return {
    description,
    inputSchema,
    async execute(input: Input) {
      const startedAt = now();
      // What the model wrote may hold a secret only if a stranger showed it one; then it is scrubbed here too.
      const seen = session.scrubber.scrub<unknown>(input);
      try {
        const output = session.scrubber.scrub(await tool.run(input, session));
        trace.append({ type: "tool", name, input: seen, output, durationMs: now() - startedAt });
        return output;
      } catch (thrown) {
        const error = session.fail(thrown);
        const output = session.scrubber.scrub<ToolFailure>({
          error,
          ...(thrown instanceof ProviderRefusal && thrown.untrusted !== undefined
            ? { untrusted_text: thrown.untrusted }
            : {}),
        });
        const durationMs = now() - startedAt;
        trace.append({ type: "tool", name, input: seen, output, error, durationMs });
        return output;
      }
    },
  };
}
