/** `purser remove`: its provider deletes a resource, which is found by its immutable id before anything is done. */
import { confirmOnce, destructive, withWord } from "./confirm.ts";
import type { Answer } from "./envelope.ts";
import { syncIfWanted } from "./env-sync.ts";
import type { ProjectCommand, ProjectFlags } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { resourceData } from "./resource-answer.ts";
import { findTarget } from "./target.ts";

export interface RemoveFlags extends ProjectFlags {
  onlyCredentials?: true;
  untrack?: true;
}

export async function remove(
  command: ProjectCommand<RemoveFlags>,
  wanted: string,
): Promise<Answer> {
  const { flags, tool } = command;
  if (flags.onlyCredentials || flags.untrack) throw noDetaching(tool);
  const { client, project, resource, name } = await findTarget(command, wanted);
  const line = `${tool} remove ${resource.id}`;
  await confirmOnce(
    command,
    line,
    `Remove ${name} (${resource.service}, ${resource.id})? Its provider deletes it and what is in it.`,
  );
  const removed = await withWord(command, line, ({ confirm = [] }) =>
    client.remove(project.id, resource.id, { confirm: destructive(confirm) }),
  );
  await command.read(client, project);
  const written = await syncIfWanted(command, client, project);
  return {
    data: { resource: resourceData(name, removed), ...(written ? { env: written } : {}) },
    lines: [`Removed ${name}: ${resource.service} (${resource.id})`],
    warnings: written?.warnings ?? [],
    nextSteps: written ? [] : [`${tool} env --pull`],
  };
}

/** What is forgotten here and lives on there may cost money that nobody sees. */
function noDetaching(tool: string): ProjectError {
  return new ProjectError("NOT_SUPPORTED", {
    problem:
      "A resource is not forgotten while its provider still has it: it could go on costing money that no list shows.",
    nextStep: `Take its variables out of an environment with \`${tool} env remove <resource>\`, or remove it.`,
  });
}
