/** `purser status`, `services list` and `list`: what there is, in the published shapes. Without secrets. */
import { type ProjectStatus, serviceIdOf } from "../../protocol/index.ts";
import { priceText } from "./catalog.ts";
import { billedText, failedRenewals, paidUntilText } from "./billed.ts";
import type { Answer } from "./envelope.ts";
import { activeEnvironment, environmentsOf } from "./environments.ts";
import type { ProjectCommand } from "./project-command.ts";
import type { NamedResource } from "./project-state.ts";
import { resourceData } from "./resource-answer.ts";
import { tableOf } from "./table-of.ts";

/** The projects of the person, wherever they were made. */
export async function list(command: ProjectCommand): Promise<Answer> {
  const projects = await command.client().projects();
  const { terminal } = command.surroundings;
  const rows = projects.map(({ id, name, created_at }) => [name, id, created_at]);
  return {
    data: { projects },
    lines: tableOf(terminal, ["project", "id", "made"], rows, "You have no project yet."),
    nextSteps: projects.length === 0 ? [`${command.tool} init`] : [],
  };
}

export async function status(command: ProjectCommand): Promise<Answer> {
  const project = command.project();
  const client = command.client();
  const { status: found, named } = await command.read(client, project);
  const { data: catalog, warnings } = await client.services();
  const described = named.map((one) => {
    const listing = catalog.services.find(({ reference }) => reference === one.resource.service);
    const kind = listing?.kind ?? "deployable";
    const pricing = billedText(one.resource) ?? (listing ? priceText(listing) : "unknown");
    return { ...one, kind, pricing };
  });
  const { terminal } = command.surroundings;
  const { bold, dim } = terminal.paint;
  const isPlan = ({ kind }: { kind: string }) => kind === "plan";
  const tell = (one: (typeof described)[number]) => ({
    ...resourceData(one.name, one.resource),
    pricing: one.pricing,
    environments: environmentsOf(project.state, one.name),
  });
  const services = described.filter((one) => !isPlan(one)).map(tell);
  const plans = described.filter(isPlan).map(tell);
  const { shared, local } = project.state;
  const active = activeEnvironment(project.state);
  const failed = failedRenewals(named, command.tool);
  return {
    data: {
      project: {
        id: found.id,
        name: found.name,
        initialized_at: local.project?.initializedAt,
        user_email: found.user.email,
      },
      orchestrator: command.found?.url,
      active_environment: active.name,
      environments: shared.environments,
      providers: found.connections.map(({ provider, account_id }) => ({
        id: provider,
        name: provider,
        account_id,
        status: "complete",
      })),
      services,
      plans,
      purchases: found.purchases,
      spend: found.spend,
      payment_method: found.payment_method,
      summary: {
        provider_count: found.connections.length,
        service_count: services.length,
        plan_count: plans.length,
      },
    },
    lines: [
      `${bold(found.name)} ${dim(found.id)}`,
      `  person        ${found.user.email}`,
      `  orchestrator  ${command.found?.url}`,
      `  linked        ${found.connections.map(({ provider }) => provider).join(", ") || "no account at any provider"}`,
      `  environment   ${active.name} ${dim(active.output)}`,
      `  paid from     ${found.payment_method?.address ?? "no payment method"}`,
      "",
      ...resourceTable(command, described),
      ...moneyTables(command, found, named),
    ],
    warnings: [...failed.warnings, ...warnings],
    nextSteps:
      named.length === 0
        ? [`${command.tool} catalog`]
        : [...failed.nextSteps, `${command.tool} env`],
  };
}

export async function services(command: ProjectCommand): Promise<Answer> {
  const project = command.project();
  const { named } = await command.read(command.client(), project);
  return {
    data: { services: named.map(({ name, resource }) => resourceData(name, resource)) },
    lines: resourceTable(command, named),
    ...failedRenewals(named, command.tool),
  };
}

function resourceTable(
  { surroundings }: ProjectCommand,
  named: readonly (NamedResource & { pricing?: string })[],
): string[] {
  const isPriced = named.some(({ pricing }) => pricing !== undefined);
  const rows = named.map(({ name, resource, pricing = "" }) => [
    name,
    resource.service,
    resource.status,
    resource.id,
    ...(isPriced ? [pricing] : []),
    paidUntilText(resource),
  ]);
  const price = isPriced ? ["price"] : [];
  const headings = ["name", "service", "status", "id", ...price, "paid until"];
  return tableOf(surroundings.terminal, headings, rows, "It has no resource yet.");
}

function moneyTables(
  { surroundings }: ProjectCommand,
  found: ProjectStatus,
  named: readonly NamedResource[],
): string[] {
  const nameOf = (id: string) => named.find(({ resource }) => resource.id === id)?.name ?? id;
  const bought = found.purchases.map(({ service, state, amount, inputs }) => [
    serviceIdOf(service),
    // The account's id is in every purchase's inputs, and the order's in those that are for a resource.
    Object.entries(inputs)
      .flatMap(([input, value]) => (["account_id", "order"].includes(input) ? [] : nameOf(value)))
      .join(", "),
    amount,
    state,
  ]);
  const spend = found.spend.map(({ provider, spent, reserved, cap }) => [
    provider,
    spent,
    reserved,
    cap,
  ]);
  const { terminal } = surroundings;
  return [
    ...(bought.length === 0
      ? []
      : ["", ...tableOf(terminal, ["bought", "", "USD", "state"], bought, "")]),
    ...(spend.length === 0
      ? []
      : ["", ...tableOf(terminal, ["this month", "spent", "reserved", "cap"], spend, "")]),
  ];
}
