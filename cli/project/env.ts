/**
 * `purser env`: the active environment's variables, without the values that are secrets; the values go into its output file with --pull, into the sealed vault
 * alone with --refresh, and are printed only with --reveal. The orchestrator lists every read.
 */
import { type OrchestratorClient, providerOf } from "../../protocol/index.ts";
import { isUnreachable } from "./explain.ts";
import type { Answer } from "./envelope.ts";
import { type EnvSync, refreshVault, syncEnv, writeOutput } from "./env-sync.ts";
import {
  type EnvironmentVariable,
  isBound,
  readVariables,
  revealVariables,
} from "./environment-variables.ts";
import { activeEnvironment } from "./environments.ts";
import { printable } from "./printable.ts";
import type { OpenProject, ProjectCommand, ProjectFlags } from "./project-command.ts";
import { tableOf } from "./table-of.ts";
import { readVault } from "./vault-file.ts";

export interface EnvFlags extends ProjectFlags {
  pull?: true;
  refresh?: true;
  reveal?: true;
  service?: string;
  provider?: string;
}

export async function env(command: ProjectCommand<EnvFlags>): Promise<Answer> {
  const { flags } = command;
  const project = command.project();
  if (flags.pull) return pull(command, project);
  const client = command.client();
  if (flags.refresh) return refresh(command, client, project);
  return show(command, client, project);
}

async function pull(command: ProjectCommand, project: OpenProject): Promise<Answer> {
  const { file, written, removed, warnings } = await pulled(command, project);
  return {
    data: { environment: activeEnvironment(project.state).name, output: file, written, removed },
    lines: [
      written.length === 0
        ? `Nothing to write to ${file}.`
        : `Wrote ${written.join(", ")} to ${file}.`,
      ...(removed.length === 0 ? [] : [`Took ${removed.join(", ")} out of it.`]),
    ],
    warnings,
  };
}

/** From the orchestrator; while that does not answer, from the vault, with a warning. */
async function pulled(command: ProjectCommand, project: OpenProject): Promise<EnvSync> {
  try {
    const client = command.client();
    await command.read(client, project);
    return await syncEnv(command, client, project);
  } catch (error) {
    const kept = isUnreachable(error)
      ? await readVault(project, command.surroundings.env)
      : undefined;
    if (!kept) throw error;
    const synced = writeOutput(project, kept.values);
    const warning = `The orchestrator does not answer; these are the values as they were read at ${kept.readAt}.`;
    return { ...synced, warnings: [warning, ...synced.warnings] };
  }
}

async function refresh(
  command: ProjectCommand,
  client: OrchestratorClient,
  project: OpenProject,
): Promise<Answer> {
  await command.read(client, project);
  const { values, warnings } = await refreshVault(command, client, project);
  const { name } = activeEnvironment(project.state);
  return {
    data: { environment: name, refreshed: [...values.keys()] },
    lines: [`Read ${[...values.keys()].join(", ") || "no variable"} into .projects/vault.`],
    warnings,
    nextSteps: [`${command.tool} env --pull`],
  };
}

async function show(
  { flags, tool, surroundings }: ProjectCommand<EnvFlags>,
  client: OrchestratorClient,
  project: OpenProject,
): Promise<Answer> {
  const { variables: all, warnings } = await readVariables(client, project);
  const variables = all.filter((variable) => isWanted(variable, flags));
  const values = flags.reveal ? await revealVariables(client, project.id, variables) : undefined;
  const told = variables.map((one) => tell(one, values?.get(one.name)));
  const rows = told.map(({ name, value, of }) => [name, value, of]);
  const { name: environment, output } = activeEnvironment(project.state);
  return {
    data: { environment, output, variables: told.map(({ of: _of, ...one }) => one) },
    lines: values
      ? told.map(({ name, value }) => `${name}=${printable(value)}`)
      : tableOf(
          surroundings.terminal,
          ["variable", "value", "of"],
          rows,
          "This environment has no variable yet: they come with what is added, or by `variables set`.",
        ),
    warnings,
    nextSteps: flags.reveal || told.length === 0 ? [] : [`${tool} env --pull`],
  };
}

const REDACTED = "********";

function tell(one: EnvironmentVariable, revealed: string | undefined) {
  const { name } = one;
  if (isBound(one)) {
    const { variable } = one;
    return { name, variable, secret: true, value: revealed ?? REDACTED, of: "the project" };
  }
  const { service, resource, secret } = one;
  const value = revealed ?? (secret ? REDACTED : one.value);
  return { name, service, resource, secret, value, of: service };
}

function isWanted(one: EnvironmentVariable, { service, provider }: EnvFlags): boolean {
  if (isBound(one)) return service === undefined && provider === undefined;
  return (
    (service === undefined || one.service === service) &&
    (provider === undefined || providerOf(one.service) === provider)
  );
}
