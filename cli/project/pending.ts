/** Waits for a resource that its provider is still making, for as long as a person may reasonably wait. */
import type { Resource, OrchestratorClient } from "../../protocol/index.ts";
import { keepAsking, type Patience } from "./keep-asking.ts";
import type { ProjectCommand } from "./project-command.ts";

/** The resource as it is in the end; still pending where that takes longer, and then `status` tells of it later. */
export async function untilReady(
  { surroundings }: Pick<ProjectCommand, "surroundings">,
  client: Pick<OrchestratorClient, "resource">,
  project: string,
  made: Resource,
  { longestMs = 60_000, stepMs = 500 }: Partial<Pick<Patience, "longestMs" | "stepMs">> = {},
): Promise<Resource> {
  if (made.status !== "pending") return made;
  const { signal, terminal, clock } = surroundings;
  terminal.note(`${made.service} is being made…`);
  let resource = made;
  const ask = async () => {
    resource = await client.resource(project, made.id);
    return resource.status === "pending" ? { againInMs: stepMs } : { answer: resource };
  };
  return (await keepAsking(ask, { signal, clock, longestMs, stepMs })) ?? resource;
}
