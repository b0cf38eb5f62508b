/** Waits for a resource that its provider is still making, for as long as a person may reasonably wait. */
import { setTimeout } from "node:timers/promises";
import type { Resource, OrchestratorClient } from "../../protocol/index.ts";
import type { ProjectCommand } from "./project-command.ts";

const LONGEST_MS = 60_000;
const STEP_MS = 500;

/** The resource as it is in the end; still pending where that takes longer, and then `status` tells of it later. */
export async function untilReady(
  { surroundings }: ProjectCommand,
  client: OrchestratorClient,
  project: string,
  made: Resource,
): Promise<Resource> {
  const { signal, terminal } = surroundings;
  const until = performance.now() + LONGEST_MS;
  let resource = made;
  if (made.status === "pending") terminal.note(`${made.service} is being made…`);
  while (resource.status === "pending" && performance.now() < until) {
    await setTimeout(STEP_MS, undefined, { signal });
    resource = await client.resource(project, made.id);
  }
  return resource;
}
