/** `purser rotate`, `update`, `upgrade` and `downgrade`: each on one resource, found by its immutable id before anything is done. */
import {
  type Resource,
  type ServiceListing,
  type UpdateOrder,
  providerOf,
} from "../../protocol/index.ts";
import { confirmOnce, destructive, withWord } from "./confirm.ts";
import type { Answer } from "./envelope.ts";
import { syncIfWanted } from "./env-sync.ts";
import { isReference } from "./explain.ts";
import { readJsonFlag } from "./json-flag.ts";
import { untilReady } from "./pending.ts";
import { withOnceKey } from "./once-key.ts";
import type { ProjectCommand, ProjectFlags } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { resourceAnswer } from "./resource-answer.ts";
import { findTarget, type Target } from "./target.ts";

export interface ChangeFlags extends ProjectFlags {
  config?: string;
}

type Direction = "up" | "down" | "any";

const DIRECTIONS = {
  up: { verb: "upgrade", did: "Upgraded" },
  down: { verb: "downgrade", did: "Downgraded" },
  any: { verb: "update", did: "Updated" },
} as const satisfies Record<Direction, { verb: string; did: string }>;

export async function rotate(command: ProjectCommand, wanted: string): Promise<Answer> {
  const target = await findTarget(command, wanted);
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
  direction: Direction,
  { wanted, service }: { wanted: string; service: string | undefined },
): Promise<Answer> {
  const target = await findTarget(command, wanted);
  const { client, project, resource } = target;
  const { config } = command.flags;
  const { verb, did } = DIRECTIONS[direction];
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
  return told(command, target, changed, did);
}

async function told(
  command: ProjectCommand,
  { client, project }: Target,
  made: Resource,
  did: string,
): Promise<Answer> {
  const resource = await untilReady(command, client, project.id, made);
  const { named } = await command.read(client, project);
  const written = await syncIfWanted(command, client, project);
  return resourceAnswer(command, { resource, named, written, did });
}

/** The one service that the catalog lets it become in that direction; throws `SERVICE_CHOICE_REQUIRED` where that is not one. */
async function onlyChoice(
  { tool }: ProjectCommand,
  { client, resource }: Target,
  direction: Direction,
): Promise<string> {
  const { data } = await client.services({ provider: providerOf(resource.service) });
  const listing = data.services.find(({ reference }) => reference === resource.service);
  const choices = updatesOf(listing, direction);
  const [only] = choices;
  if (only !== undefined && choices.length === 1) return only;
  const { verb, did } = DIRECTIONS[direction];
  throw new ProjectError("SERVICE_CHOICE_REQUIRED", {
    problem:
      choices.length === 0
        ? `The catalog names nothing that ${resource.service} can be ${did.toLowerCase()} to.`
        : `${resource.service} can be ${did.toLowerCase()} to ${choices.join(" or ")}.`,
    nextStep:
      choices.length === 0
        ? "Leave it as it is, or change its configuration with --config."
        : `Say to which: \`${tool} ${verb} ${resource.id} <service>\`.`,
    nextSteps: choices.map((choice) => `${tool} ${verb} ${resource.id} ${choice}`),
  });
}

/** As references: a catalog names them by the provider's own ids. */
function updatesOf(listing: ServiceListing | undefined, direction: Direction): string[] {
  return (listing?.allowed_updates ?? [])
    .filter(
      (update) => [direction, update.direction].includes("any") || update.direction === direction,
    )
    .map(({ service }) => referenceOf(listing?.provider_id ?? "", service))
    .filter(isReference);
}

function referenceOf(provider: string, service: string): string {
  return service.includes("/") ? service : `${provider}/${service}`;
}
