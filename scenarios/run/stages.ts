/** How long each stage of a run took, read from its trace: what the tools did by purpose, and the thinking in between. */
import type { TraceLine } from "../../protocol/index.ts";

export interface Stage {
  name: string;
  durationMs: number;
}

const STAGE_OF_TOOL: Readonly<Record<string, string>> = {
  search_catalog: "discover",
  look_at_project: "discover",
  check_domain: "discover",
  add_service: "provide",
  deploy_worker: "deploy",
  verify_url: "verify",
  ask_human: "ask",
};

/** The stages in the order in which they first came; those without an event of their own are summed up from tool calls. */
export function stagesOf(lines: readonly TraceLine[]): Stage[] {
  const stages = new Map<string, number>();
  const add = (name: string, ms: number) => stages.set(name, (stages.get(name) ?? 0) + ms);
  for (const line of lines) {
    if (line.type === "stage" && line.durationMs !== undefined && line.name !== "agent") {
      add(line.name, line.durationMs);
    }
    if (line.type === "model") add("think", line.durationMs);
    const stage = line.type === "tool" ? STAGE_OF_TOOL[line.name] : undefined;
    if (line.type === "tool" && stage !== undefined) add(stage, line.durationMs);
  }
  return [...stages].map(([name, durationMs]) => ({ name, durationMs }));
}
