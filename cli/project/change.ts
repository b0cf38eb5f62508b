/** `purser rotate`, `upgrade`, `downgrade` and `remove`: each on one resource, found by its immutable id before anything is done. */
import type {
  Confirmation,
  Resource,
  ServiceListing,
  SessionClient,
  UpdateOrder,
} from "../../protocol/index.ts";
import { confirmOnce, withWord } from "./confirm.ts";
import type { Answer } from "./envelope.ts";
import { syncEnv } from "./env-sync.ts";
import { isReference } from "./explain.ts";
import { findResource } from "./find-resource.ts";
import { readJsonFlag } from "./json-flag.ts";
import { untilReady } from "./pending.ts";
import { withOnceKey } from "./once-key.ts";
import type { OpenProject, ProjectCommand, ProjectFlags } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { type NamedResource, providerOf } from "./project-state.ts";
import { resourceAnswer, resourceData } from "./resource-answer.ts";

export interface ChangeFlags extends ProjectFlags {
  config?: string;
}

interface Target extends NamedResource {
  client: SessionClient;
  project: OpenProject;
}

export async function rotate(command: ProjectCommand, wanted: string): Promise<Answer> {
  const target = await find(command, wanted);
  const { client, project, resource, name } = target;
  const line = `${command.tool} rotate ${resource.id}`;
  await confirmOnce(
    command,
    line,
    `Rotate the credentials of ${name} (${resource.service})? Whatever uses the old ones stops working.`,
  );
  const rotated = await withOnceKey(project, ["rotate", resource.id], (idempotency_key) =>
    withWord(command, line, ({ confirm = [] }) =>
      client.rotate(project.id, resource.id, { idempotency_key, confirm: destructive(confirm) }),
    ),
  );
  return told(command, target, rotated, "Rotated");
}

export async function change(
  command: ProjectCommand<ChangeFlags>,
  direction: "up" | "down",
  { wanted, service }: { wanted: string; service: string | undefined },
): Promise<Answer> {
  const target = await find(command, wanted);
  const { client, project, resource } = target;
  const { config } = command.flags;
  const verb = direction === "up" ? "upgrade" : "downgrade";
  const to =
    service ?? (config === undefined ? await onlyChoice(command, target, direction) : undefined);
  const order: Omit<UpdateOrder, "idempotency_key"> = {
    direction,
    ...(to === undefined ? {} : { service: referenceOf(providerOf(resource.service), to) }),
    ...(config === undefined ? {} : { configuration: readJsonFlag("--config", config) }),
  };
  const line = `${command.tool} ${verb} ${resource.id}${to === undefined ? "" : ` ${to}`}`;
  const what = [verb, resource.id, resource.service, resource.configuration, order];
  const changed = await withOnceKey(project, what, (idempotency_key) =>
    withWord(command, line, ({ accept_terms: _terms, ...word }) =>
      client.update(project.id, resource.id, { ...order, ...word, idempotency_key }),
    ),
  );
  return told(command, target, changed, direction === "up" ? "Upgraded" : "Downgraded");
}

export async function remove(command: ProjectCommand, wanted: string): Promise<Answer> {
  const { client, project, resource, name } = await find(command, wanted);
  const line = `${command.tool} remove ${resource.id}`;
  await confirmOnce(
    command,
    line,
    `Remove ${name} (${resource.service}, ${resource.id})? Its provider deletes it and what is in it.`,
  );
  const removed = await withWord(command, line, ({ confirm = [] }) =>
    client.remove(project.id, resource.id, { confirm: destructive(confirm) }),
  );
  await command.read(client, project);
  const written = project.state.shared.env.sync ? await syncEnv(client, project) : undefined;
  return {
    data: { resource: resourceData(name, removed), ...(written ? { env: written } : {}) },
    lines: [`Removed ${name}: ${resource.service} (${resource.id})`],
    warnings: written?.warnings ?? [],
    nextSteps: written ? [] : [`${command.tool} env --pull`],
  };
}

/** The person has said yes to that already. */
function destructive(confirm: readonly Confirmation[]): Confirmation[] {
  return [...new Set([...confirm, "destructive" as const])];
}

async function find(command: ProjectCommand, wanted: string): Promise<Target> {
  const project = command.project();
  const client = command.client();
  const { named } = await command.read(client, project);
  return { ...findResource(named, wanted, command.tool), client, project };
}

async function told(
  command: ProjectCommand,
  { client, project }: Target,
  made: Resource,
  did: string,
): Promise<Answer> {
  const resource = await untilReady(command, client, project.id, made);
  const { named } = await command.read(client, project);
  const written = project.state.shared.env.sync ? await syncEnv(client, project) : undefined;
  return resourceAnswer(command, { resource, named, written, did });
}

/** The one service that the catalog lets it become in that direction; throws `SERVICE_CHOICE_REQUIRED` where that is not one. */
async function onlyChoice(
  { tool }: ProjectCommand,
  { client, resource }: Target,
  direction: "up" | "down",
): Promise<string> {
  const { data } = await client.services({ provider: providerOf(resource.service) });
  const listing = data.services.find(({ reference }) => reference === resource.service);
  const choices = updatesOf(listing, direction);
  const [only] = choices;
  if (only !== undefined && choices.length === 1) return only;
  const verb = direction === "up" ? "upgrade" : "downgrade";
  throw new ProjectError("SERVICE_CHOICE_REQUIRED", {
    problem:
      choices.length === 0
        ? `The catalog names nothing that ${resource.service} can be ${verb}d to.`
        : `${resource.service} can be ${verb}d to ${choices.join(" or ")}.`,
    nextStep:
      choices.length === 0
        ? "Leave it as it is, or change its configuration with --config."
        : `Say to which: \`${tool} ${verb} ${resource.id} <service>\`.`,
    nextSteps: choices.map((choice) => `${tool} ${verb} ${resource.id} ${choice}`),
  });
}

/** As references: a catalog names them by the provider's own ids. */
function updatesOf(listing: ServiceListing | undefined, direction: "up" | "down"): string[] {
  return (listing?.allowed_updates ?? [])
    .filter((update) => update.direction === direction || update.direction === "any")
    .map(({ service }) => referenceOf(listing?.provider_id ?? "", service))
    .filter(isReference);
}

function referenceOf(provider: string, service: string): string {
  return service.includes("/") ? service : `${provider}/${service}`;
}
