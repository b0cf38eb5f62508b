/** The resource that a command is about, with the project and the orchestrator that have it. */
import type { OrchestratorClient } from "../../protocol/index.ts";
import { findResource } from "./find-resource.ts";
import type { OpenProject, ProjectCommand } from "./project-command.ts";
import type { NamedResource } from "./project-state.ts";

export interface Target extends NamedResource {
  client: OrchestratorClient;
  project: OpenProject;
}

/** Throws `RESOURCE_NOT_FOUND` or `RESOURCE_AMBIGUOUS`. */
export async function findTarget(command: ProjectCommand, wanted: string): Promise<Target> {
  const project = command.project();
  const client = command.client();
  const { named } = await command.read(client, project);
  return { ...findResource(named, wanted, command.tool), client, project };
}
