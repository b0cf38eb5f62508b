/** What a person's own program may read of secrets, each read on the audit's list: of resources, and of the project's own variables. */
import {
  type EnvView,
  type ResourceAccess,
  type SecretReads,
  type Variable,
  type VariableList,
  variableName,
  type VariableOrder,
  type VariableValue,
} from "../../protocol/index.ts";
import { viewResource } from "../resource-store.ts";
import type { Resources } from "../resources.ts";
import type { Session } from "../sessions.ts";
import type { Variables } from "../variables.ts";
import type { Vault } from "../vault.ts";

export class SecretDesk {
  readonly #parts: SecretDeskOptions;

  constructor(parts: SecretDeskOptions) {
    this.#parts = parts;
  }

  async access(project: string, session: Session, id: string): Promise<ResourceAccess> {
    const { resources, vault } = this.#parts;
    const { access } = viewResource(resources.row(project, id));
    const values: Record<string, string> = {};
    for (const [key, value] of Object.entries(access)) {
      values[key] = value.startsWith("cred:")
        ? (await vault.read({ project, handle: value }, `session:${session.agent}`)).reveal()
        : value;
    }
    return { id, values };
  }

  env(project: string, provider?: string): EnvView {
    const variables = this.#parts.resources
      .list(project)
      .filter(({ service }) => provider === undefined || service.startsWith(`${provider}/`))
      .flatMap(({ id, service, name, access }) =>
        Object.entries(access).map(([key, value]) => ({
          name: variableName(name, key),
          key,
          resource: id,
          service,
          secret: value.startsWith("cred:"),
          value,
        })),
      );
    return { variables };
  }

  variables(project: string): VariableList {
    return { variables: this.#parts.variables.list(project) };
  }

  variable(project: string, { agent }: Session, name: string): Promise<VariableValue> {
    return this.#parts.variables.value(project, name, `session:${agent}`);
  }

  setVariable(project: string, name: string, { value }: VariableOrder): Promise<Variable> {
    return this.#parts.variables.set(project, name, value);
  }

  deleteVariable(project: string, name: string): { deleted: true } {
    return this.#parts.variables.delete(project, name);
  }

  secretReads(project: string): SecretReads {
    const reads = this.#parts.vault.reads(project).map(({ handle, reader, readAt }) => {
      return { handle, reader, read_at: new Date(readAt).toISOString() };
    });
    return { reads };
  }
}

export interface SecretDeskOptions {
  resources: Resources;
  variables: Variables;
  vault: Vault;
}
