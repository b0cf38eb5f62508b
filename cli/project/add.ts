/**
 * `purser add`: provisions a service. The same service with the same configuration (and the same name, where one is given) is the
 * same resource however often it is added, so a repeated command finds what the first one made, and pays nothing twice.
 */
import { createHash } from "node:crypto";
import {
  type AddOrder,
  PurserError,
  type Resource,
  type SessionClient,
} from "../../protocol/index.ts";
import { withWord } from "./confirm.ts";
import type { Answer } from "./envelope.ts";
import { syncEnv } from "./env-sync.ts";
import { readJsonFlag } from "./json-flag.ts";
import { type Check, preflightAnswer, projectChecks } from "./preflight.ts";
import type { OpenProject, ProjectCommand, ProjectFlags } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { providerOf } from "./project-state.ts";
import { untilReady } from "./pending.ts";
import { resourceAnswer } from "./resource-answer.ts";

export interface AddFlags extends ProjectFlags {
  name?: string;
  config?: string;
  providerConfig?: string;
  providerInfo?: string;
  resourceInfo?: string;
  resourceId?: string;
  existing?: string;
  forceProviderRelink?: true;
  preflight?: true;
}

export async function add(command: ProjectCommand<AddFlags>, service: string): Promise<Answer> {
  const { flags, tool } = command;
  const order = readOrder(service, flags);
  if (flags.preflight) return preflightAnswer(await checks(command, order), command);
  const project = command.project();
  const client = command.client();
  const line = commandLine(tool, service, flags);
  if (flags.forceProviderRelink) {
    await client.disconnect(project.id, providerOf(service));
  }
  let made: Resource;
  try {
    made = await provision(command, client, { project, order, line });
  } catch (error) {
    const isBought = error instanceof PurserError && error.code === "BOUGHT_AT_PROVIDER";
    if (!isBought) throw error;
    const { purchase } = await import("./buy.ts");
    return purchase(command, client, { project, order, line });
  }
  const resource = await untilReady(command, client, project.id, made);
  askForInformation(resource, line);
  const { named } = await command.read(client, project);
  const written = project.state.shared.env.sync ? await syncEnv(client, project) : undefined;
  return resourceAnswer(command, { resource, named, written, did: "Added" });
}

interface Provision {
  project: OpenProject;
  order: AddOrder;
  line: string;
}

function provision(
  command: ProjectCommand<AddFlags>,
  client: SessionClient,
  { project, order, line }: Provision,
): Promise<Resource> {
  const { flags } = command;
  const { existing, resourceId } = flags;
  if (resourceId !== undefined) {
    const information = readJsonFlag("--resource-info", flags.resourceInfo);
    return client.submit(project.id, resourceId, { information });
  }
  const { service, configuration, name, idempotency_key } = order;
  const named = name === undefined ? {} : { name };
  if (existing !== undefined) {
    const link = { service, existing, configuration, idempotency_key, ...named };
    return withWord(command, line, () => client.linkResource(project.id, link));
  }
  return withWord(command, line, (word) => client.add(project.id, { ...order, ...word }));
}

function readOrder(service: string, flags: AddFlags): AddOrder {
  if (providerOf(service) === "") {
    throw new ProjectError("CONFIG_INVALID", {
      problem: `"${service.slice(0, 100)}" is no service.`,
      nextStep: "Name it as the catalog does, such as cloudflare/kv.",
    });
  }
  for (const [flag, value] of [
    ["--provider-config", flags.providerConfig],
    ["--provider-info", flags.providerInfo],
  ] as const) {
    if (Object.keys(readJsonFlag(flag, value)).length === 0) continue;
    throw new ProjectError("NOT_SUPPORTED", {
      problem: `${flag} is not understood: no provider of this orchestrator's catalog takes settings for an account.`,
      nextStep: `Leave ${flag} out.`,
    });
  }
  const configuration = readJsonFlag("--config", flags.config);
  const named = flags.name === undefined ? {} : { name: flags.name };
  const identity = JSON.stringify([service, sorted(configuration), flags.name, flags.existing]);
  const hash = createHash("sha256").update(identity).digest("hex").slice(0, 32);
  return { service, configuration, ...named, idempotency_key: `add-${hash}` };
}

/** The command line to repeat, without what was a secret or is given by the next step. */
function commandLine(tool: string, service: string, flags: AddFlags): string {
  return [
    `${tool} add ${service}`,
    ...(flags.name === undefined ? [] : [`--name ${flags.name}`]),
    ...(flags.config === undefined
      ? []
      : [`--config '${flags.config.replaceAll("'", String.raw`'\''`)}'`]),
    ...(flags.acceptTos ? ["--accept-tos"] : []),
    ...(flags.confirmPaidService ? ["--confirm-paid-service"] : []),
    ...(flags.yes ? ["--yes"] : []),
  ].join(" ");
}

function askForInformation(resource: Resource, line: string): void {
  if (resource.status !== "needs_information") return;
  const step = `${line} --resource-id ${resource.id} --resource-info '<json>'`;
  throw new ProjectError("INFORMATION_REQUIRED", {
    problem: `${resource.service} needs more information before it is made: ${JSON.stringify(resource.information_schema ?? {}).slice(0, 1000)}`,
    nextStep: `Give what its schema asks for: \`${step}\`.`,
    nextSteps: [step],
    details: {
      resource_id: resource.id,
      schema: JSON.stringify(resource.information_schema ?? {}),
    },
  });
}

/** The folder's own checks, then what the orchestrator sees in the way. */
async function checks(command: ProjectCommand<AddFlags>, order: AddOrder): Promise<Check[]> {
  const own = await projectChecks(command);
  if (own.some(({ pass }) => !pass)) return own;
  const { acceptTos, confirmPaidService } = command.flags;
  const { checks: theirs } = await command.client().preflight(command.project().id, order);
  const lifted = theirs.map(({ label, pass, code, remedy }) => {
    const given =
      (code === "TOS_ACCEPTANCE_REQUIRED" && acceptTos === true) ||
      (code === "PAYMENT_CONFIRMATION_REQUIRED" && confirmPaidService === true);
    return {
      label,
      pass: pass || given,
      ...(code === undefined ? {} : { code }),
      ...(remedy === undefined || given ? {} : { remedy }),
    };
  });
  return [...own, ...lifted];
}

function sorted(configuration: Readonly<Record<string, string>>) {
  return Object.entries(configuration).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
