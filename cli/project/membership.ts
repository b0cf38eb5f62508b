/** `purser env add` and `env remove`: which resources and which of the project's own variables the active environment has. */
import type { Answer } from "./envelope.ts";
import { type EnvSync, syncIfWanted } from "./env-sync.ts";
import { activeEnvironment, type Environment, findEnvironment } from "./environments.ts";
import { findResource } from "./find-resource.ts";
import type { OpenProject, ProjectCommand, ProjectFlags } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { writeState } from "./project-folder.ts";
import { bindVariable, readEnvKey, unbindVariable, unknownVariable } from "./variable-binding.ts";

export interface MembershipFlags extends ProjectFlags {
  resource?: true;
  variable?: true;
  envKey?: string;
}

export async function addMember(
  command: ProjectCommand<MembershipFlags>,
  member: string,
): Promise<Answer> {
  const { project, environment, kind, name } = await find(command, member);
  if (kind === "variable") {
    const { envKey } = command.flags;
    if (envKey === undefined) throw keyMissing(`${command.tool} env add ${name} --variable`);
    bindVariable(environment, readEnvKey(envKey), name);
  } else if (!environment.resources.includes(name)) environment.resources.push(name);
  return changed(command, project, `Added ${name} to`);
}

export async function removeMember(
  command: ProjectCommand<MembershipFlags>,
  member: string,
): Promise<Answer> {
  const { project, environment, kind, name } = await find(command, member);
  if (kind === "variable") unbindVariable(environment, name);
  else environment.resources = environment.resources.filter((one) => one !== name);
  return changed(command, project, `Took ${name} out of`);
}

interface Member {
  project: OpenProject;
  /** The active one, in the project's own state. */
  environment: Environment;
  kind: "resource" | "variable";
  name: string;
}

/** What is one of both is taken for the resource only where the flags say so. Throws as `findResource` does. */
async function find(command: ProjectCommand<MembershipFlags>, member: string): Promise<Member> {
  const { flags, tool } = command;
  const project = command.project();
  const client = command.client();
  const { named } = await command.read(client, project);
  const wantsResource = flags.resource === true || flags.variable !== true;
  const wantsVariable = flags.variable === true || flags.resource !== true;
  const isVariable =
    wantsVariable && (await client.variables(project.id)).some(({ name }) => name === member);
  if (!wantsResource && !isVariable) throw unknownVariable(member, tool);
  const isResource = wantsResource && named.some(({ name }) => name === member);
  if (isVariable && isResource) throw ambiguous(member);
  const kind = isVariable ? "variable" : "resource";
  const name = isVariable ? member : findResource(named, member, tool).name;
  const environment = findEnvironment(project.state, activeEnvironment(project.state).name);
  return { project, environment, kind, name };
}

async function changed(
  command: ProjectCommand,
  project: OpenProject,
  did: string,
): Promise<Answer> {
  const { root, state } = project;
  writeState(root, state);
  const written: EnvSync | undefined = await syncIfWanted(command, command.client(), project);
  const { name, output, resources, variables } = activeEnvironment(state);
  return {
    data: {
      name,
      active: true,
      output,
      resources,
      variables,
      ...(written ? { env: written } : {}),
    },
    lines: [`${did} ${name}  ${output}`],
    warnings: written?.warnings ?? [],
    nextSteps: written ? [] : [`${command.tool} env --pull`],
  };
}

function ambiguous(member: string): ProjectError {
  return new ProjectError("RESOURCE_AMBIGUOUS", {
    problem: `"${member}" is a resource and a variable of the project.`,
    nextStep: "Say which one, with --resource or with --variable.",
  });
}

function keyMissing(line: string): ProjectError {
  const step = `${line} --env-key <KEY>`;
  return new ProjectError("CONFIG_INVALID", {
    problem: "A variable needs a key that it is written under.",
    nextStep: `Name it: \`${step}\`.`,
    nextSteps: [step],
  });
}
