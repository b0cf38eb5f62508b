/**
 * `purser env`: the names of the project's variables; their values go into the output file with --pull, and are printed only with
 * --reveal. The vault lists every read.
 */
import type { EnvView } from "../../protocol/index.ts";
import type { Answer } from "./envelope.ts";
import { readVariables, revealVariables, syncEnv } from "./env-sync.ts";
import { printable } from "./printable.ts";
import type { ProjectCommand, ProjectFlags } from "./project-command.ts";
import { providerOf } from "./project-state.ts";
import { tableOf } from "./table-of.ts";

export interface EnvFlags extends ProjectFlags {
  pull?: true;
  refresh?: true;
  reveal?: true;
  service?: string;
  provider?: string;
}

export async function env(command: ProjectCommand<EnvFlags>): Promise<Answer> {
  const { flags, tool, surroundings } = command;
  const project = command.project();
  const client = command.client();
  if (flags.pull || flags.refresh) {
    await command.read(client, project);
    const synced = await syncEnv(client, project);
    const { file, written, removed } = synced;
    return {
      data: { output: file, written, removed },
      lines: [
        written.length === 0
          ? `Nothing to write to ${file}.`
          : `Wrote ${written.join(", ")} to ${file}.`,
        ...(removed.length === 0 ? [] : [`Took ${removed.join(", ")} out of it.`]),
      ],
      warnings: synced.warnings,
    };
  }
  const { variables: all, warnings } = await readVariables(client, project.id);
  const variables = all.filter((variable) => isWanted(variable, flags));
  const values = flags.reveal ? await revealVariables(client, project.id, variables) : undefined;
  const told = variables.map(({ name, service, resource, secret, value }) => ({
    name,
    service,
    resource,
    secret,
    value: values?.get(name) ?? (secret ? REDACTED : value),
  }));
  const rows = told.map(({ name, value, service }) => [name, value, service]);
  return {
    data: { environment: "default", output: project.state.shared.env.output, variables: told },
    lines: values
      ? told.map(({ name, value }) => `${name}=${printable(value)}`)
      : tableOf(surroundings.terminal, ["variable", "value", "of"], rows, "No resource has any."),
    warnings,
    nextSteps: flags.reveal || told.length === 0 ? [] : [`${tool} env --pull`],
  };
}

/** There is one environment, under its published name. */
export function environments(command: ProjectCommand, what: "list" | "show"): Answer {
  const { state } = command.project();
  const { output } = state.shared.env;
  const resources = Object.keys(state.shared.resources);
  const active = { name: "default", active: true, output, resources };
  return {
    data: what === "list" ? { environments: [active] } : active,
    lines: [`* default  ${output}  ${resources.join(", ")}`.trimEnd()],
  };
}

const REDACTED = "********";

function isWanted(
  { service }: EnvView["variables"][number],
  { service: one, provider }: EnvFlags,
): boolean {
  return (
    (one === undefined || service === one) &&
    (provider === undefined || providerOf(service) === provider)
  );
}
