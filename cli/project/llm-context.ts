/** `purser llm-context`: what a model should know of the providers before it works with them. A provider's own words stand in it quoted. */
import type { Answer } from "./envelope.ts";
import { printable } from "./printable.ts";
import type { ProjectCommand, ProjectFlags } from "./project-command.ts";

export interface ContextFlags extends ProjectFlags {
  provider?: string;
}

/** Of one provider, or of all that the catalog has. */
export async function llmContext(
  command: ProjectCommand<ContextFlags>,
  provider: string | undefined,
): Promise<Answer> {
  const client = command.client();
  const one = provider ?? command.flags.provider;
  const ids =
    one === undefined
      ? [...new Set((await client.services()).data.services.map(({ provider_id }) => provider_id))]
      : [one];
  const contexts = await Promise.all(ids.map((id) => client.llmContext(id)));
  return {
    data: { contexts },
    lines: contexts.map(({ text }) => printable(text)),
  };
}
