/** Under which keys of which environments the project's own variables are written; and what their names may be. */
import { VariableName } from "../../protocol/index.ts";
import { plain } from "../terminal.ts";
import type { Environment } from "./environments.ts";
import { ProjectError } from "./project-error.ts";
import type { ProjectState } from "./project-state.ts";

/** As a shell takes it. Throws `CONFIG_INVALID`. */
export function readEnvKey(text: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(text)) return text;
  throw new ProjectError("CONFIG_INVALID", {
    problem: `"${plain(text, 60)}" is no name of an environment variable.`,
    nextStep: "Use letters, digits and _, such as API_URL.",
  });
}

/** Throws `CONFIG_INVALID`. */
export function readVariableName(text: string): string {
  const { data } = VariableName.safeParse(text);
  if (data !== undefined) return data;
  throw new ProjectError("CONFIG_INVALID", {
    problem: `"${plain(text, 60)}" is no name for a variable of the project.`,
    nextStep: "Use letters, digits, -, _ and ., such as api-url-dev.",
  });
}

export function bindVariable({ variables }: Environment, key: string, variable: string): void {
  variables[key] = variable;
}

export function unbindVariable(environment: Environment, variable: string): void {
  environment.variables = Object.fromEntries(
    Object.entries(environment.variables).filter(([, name]) => name !== variable),
  );
}

export interface Binding {
  env_key: string;
  environment: string;
}

export function bindingsOf({ shared }: ProjectState, variable: string): Binding[] {
  return Object.entries(shared.environments).flatMap(([environment, { variables }]) =>
    Object.entries(variables)
      .filter(([, name]) => name === variable)
      .map(([env_key]) => ({ env_key, environment })),
  );
}

export function unknownVariable(name: string, tool: string): ProjectError {
  return new ProjectError("VARIABLE_UNKNOWN", {
    problem: `The project has no variable "${plain(name, 60)}".`,
    nextStep: `\`${tool} variables list\` says which it has.`,
    nextSteps: [`${tool} variables list`],
  });
}
