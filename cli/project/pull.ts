/** `purser pull`: a project that exists, in a folder that has none yet, with its variables. Nothing is provisioned. */
import type { Answer } from "./envelope.ts";
import { syncEnv } from "./env-sync.ts";
import { init, type InitFlags } from "./init.ts";
import type { ProjectCommand } from "./project-command.ts";

export async function pull(command: ProjectCommand<InitFlags>, id: string): Promise<Answer> {
  const made = await init(command, undefined, { id });
  const project = command.project();
  const { file, written, removed, warnings } = await syncEnv(command, command.client(), project);
  return {
    ...made,
    data: { ...(made.data as object), output: file, written, removed },
    lines: [...made.lines, `  variables     ${written.join(", ") || "none yet"}, in ${file}`],
    warnings,
    nextSteps: [`${command.tool} status`],
  };
}
