/**
 * `purser add`: provisions a service. The same service with the same configuration (and the same name, where one is given) is the
 * same resource however often it is added, so a repeated command finds what the first one made, and pays nothing twice.
 */
import { createHash } from "node:crypto";
import {
  PurserError,
  type Resource,
  type OrchestratorClient,
  isGone,
  providerOf,
} from "../../protocol/index.ts";
import { chooseService } from "./choose-service.ts";
import { withWord } from "./confirm.ts";
import type { Answer } from "./envelope.ts";
import { syncIfWanted } from "./env-sync.ts";
import { admitResource } from "./environments.ts";
import { readJsonFlag } from "./json-flag.ts";
import { settingsUnused } from "./link.ts";
import { type Check, preflightAnswer, projectChecks } from "./preflight.ts";
import { type AddFlags, commandLine, type Order, readOrder, sorted } from "./order.ts";
import { withOnceKey } from "./once-key.ts";
import type { OpenProject, ProjectCommand } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { writeState } from "./project-folder.ts";
import type { NamedResource } from "./project-state.ts";
import { untilReady } from "./pending.ts";
import { resourceAnswer } from "./resource-answer.ts";

export async function add(command: ProjectCommand<AddFlags>, wanted: string): Promise<Answer> {
  const { flags, tool } = command;
  const service = wanted.includes("/") ? wanted : await chooseService(command, wanted);
  const order = readOrder(service, flags);
  if (flags.preflight) return preflightAnswer(await checks(command, order), command);
  const project = command.project();
  const client = command.client();
  const line = commandLine(tool, service, flags);
  const settings = order.provider_configuration ?? {};
  const known = Object.keys(settings).length > 0 && (await isLinked(client, project, service));
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
  admitAdded(project, named, resource);
  const written = await syncIfWanted(command, client, project);
  const answer = resourceAnswer(command, { resource, named, written, did: "Added" });
  const unused = settingsUnused(providerOf(service), settings, known);
  return { ...answer, warnings: [...(answer.warnings ?? []), ...unused] };
}

async function isLinked(
  client: OrchestratorClient,
  { id }: OpenProject,
  service: string,
): Promise<boolean> {
  const { connections } = await client.status(id);
  return connections.some(({ provider }) => provider === providerOf(service));
}

/** Also one that there was already is wanted in the environment that it is added in. */
function admitAdded(
  { root, state }: OpenProject,
  named: readonly NamedResource[],
  { id }: Resource,
): void {
  const name = named.find(({ resource }) => resource.id === id)?.name;
  if (name === undefined) return;
  admitResource(state, name);
  writeState(root, state);
}

interface Provision {
  project: OpenProject;
  order: Order;
  line: string;
}

async function provision(
  command: ProjectCommand<AddFlags>,
  client: OrchestratorClient,
  { project, order, line }: Provision,
): Promise<Resource> {
  const { flags } = command;
  const information = readJsonFlag("--resource-info", flags.resourceInfo);
  if (flags.resourceId !== undefined) {
    return client.submit(project.id, flags.resourceId, { information });
  }
  const { service, configuration, name = null } = order;
  if (!flags.existing) {
    return withOnceKey(project, ["add", service, sorted(configuration), name], (idempotency_key) =>
      withWord(command, line, (word) =>
        client.add(project.id, { ...order, ...word, idempotency_key }),
      ),
    );
  }
  const link = (idempotency_key: string) =>
    withWord(command, line, () =>
      client.linkResource(project.id, { ...order, information, idempotency_key }),
    );
  // What there is already has no other identity here than what finds it.
  const what = ["link", service, sorted(configuration), name, sorted(information)];
  const hash = createHash("sha256").update(JSON.stringify(what)).digest("hex");
  const linked = await link(`link-${hash.slice(0, 32)}`);
  return isGone(linked) ? withOnceKey(project, what, link) : linked;
}

function askForInformation(resource: Resource, line: string): void {
  if (resource.status !== "needs_information") return;
  const where = line.includes(" --existing") ? "" : ` --resource-id ${resource.id}`;
  const step = `${line}${where} --resource-info '<json>'`;
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

/** The folder's own checks, then what the orchestrator sees in the way, but for what the flags have lifted. */
async function checks(command: ProjectCommand<AddFlags>, order: Order): Promise<Check[]> {
  const own = await projectChecks(command);
  if (own.some(({ pass }) => !pass)) return own;
  const { acceptTos, confirmPaidService } = command.flags;
  const client = command.client();
  const {
    checks: theirs,
    price,
    ...rest
  } = await client.preflight(command.project().id, {
    ...order,
    idempotency_key: "preflight",
  });
  const lifted = theirs
    // What is bought at its provider's own API is bought by `add` too.
    .filter(({ code }) => code !== "BOUGHT_AT_PROVIDER")
    .map(({ label, pass, code, remedy }): Check => {
      if (code === undefined) return { label, pass };
      if (code !== "TOS_ACCEPTANCE_REQUIRED")
        return { label, pass, code, ...(remedy && { remedy }) };
      return acceptTos
        ? { label, pass: true, code }
        : { label, pass, code, remedy: `${remedy ?? ""} Pass --accept-tos.`.trim() };
    });
  if (rest.confirmations_required.includes("paid") && price) {
    const label = `Price agreed: ${price.amount} ${price.currency.toUpperCase()}${price.interval === "one_time" ? ", once" : ` a ${price.interval}`}`;
    const code = "PAYMENT_CONFIRMATION_REQUIRED";
    const remedy = "Tell the person the price, and pass --confirm-paid-service.";
    lifted.push(
      confirmPaidService ? { label, pass: true, code } : { label, pass: false, code, remedy },
    );
  }
  return [...own, ...lifted];
}
