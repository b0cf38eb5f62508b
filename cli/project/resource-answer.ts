/** How a command tells of a resource that it made or changed: its names, and those of its variables; never a secret. */
import { type Resource, variableName, providerOf, serviceIdOf } from "../../protocol/index.ts";
import { paidUntilText } from "./billed.ts";
import type { Answer } from "./envelope.ts";
import type { EnvSync } from "./env-sync.ts";
import type { ProjectCommand } from "./project-command.ts";
import type { NamedResource } from "./project-state.ts";

export interface Told {
  resource: Resource;
  named: readonly NamedResource[];
  /** What was written to the output file, where it is kept in step. */
  written: EnvSync | undefined;
  /** Such as "Added". */
  did: string;
}

export function resourceAnswer(
  { tool, surroundings }: ProjectCommand,
  { resource, named, written, did }: Told,
): Answer {
  const { paint } = surroundings.terminal;
  const name = named.find((one) => one.resource.id === resource.id)?.name ?? resource.id;
  const keys = variablesOf(resource);
  const pending = resource.status === "pending";
  const lines = [
    `${pending ? paint.warn("Pending") : paint.good(did)} ${paint.bold(name)}: ${resource.service}`,
    `  id         ${resource.id}`,
    `  status     ${resource.status}`,
    ...(resource.billing?.paid_until ? [`  paid until ${paidUntilText(resource)}`] : []),
    ...(keys.length === 0 ? [] : [`  variables  ${keys.join(", ")}`]),
    ...(written ? [`  written    ${written.file}`] : []),
  ];
  const next = pending ? `${tool} status` : `${tool} env --pull`;
  return {
    data: { resource: resourceData(name, resource), ...(written ? { env: written } : {}) },
    lines,
    warnings: written?.warnings ?? [],
    nextSteps: written || keys.length === 0 ? [`${tool} status`] : [next],
  };
}

/** In the published words, with our reference beside them. */
export function resourceData(name: string, resource: Resource) {
  const { id, service, status, configuration, billing } = resource;
  return {
    id,
    name,
    provider: providerOf(service),
    service_id: serviceIdOf(service),
    reference: service,
    status,
    configuration,
    ...(billing && { billing }),
    variables: variablesOf(resource),
  };
}

/** As an environment has them. */
function variablesOf({ name, access }: Resource): string[] {
  return Object.keys(access).map((key) => variableName(name, key));
}
