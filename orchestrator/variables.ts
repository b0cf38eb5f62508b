/**
 * A project's own variables: values that come from no provider, such as an app's URL or a key of the person's. They lie in the vault
 * like a resource's secrets, under handles that are no `cred:`, so that no agent's run can ask for them.
 */
import { Secret, type Variable, type VariableValue } from "../protocol/index.ts";
import { OrchestratorError } from "./error.ts";
import type { Vault } from "./vault.ts";

const PREFIX = "var:";

export class Variables {
  readonly #vault: Vault;

  constructor({ vault }: { vault: Vault }) {
    this.#vault = vault;
  }

  list(project: string): Variable[] {
    return this.#vault
      .handles(project, PREFIX)
      .map((handle) => ({ name: handle.slice(PREFIX.length) }));
  }

  /** Makes it, or gives it another value. */
  async set(project: string, name: string, value: string): Promise<Variable> {
    const secret = { project, handle: PREFIX + name };
    this.#vault.store(await this.#vault.seal(secret, new Secret(value)));
    return { name };
  }

  /** Throws `VARIABLE_UNKNOWN`. */
  async value(project: string, name: string, reader: string): Promise<VariableValue> {
    const secret = this.#known(project, name);
    return { name, value: (await this.#vault.read(secret, reader)).reveal() };
  }

  /** Throws `VARIABLE_UNKNOWN`. */
  delete(project: string, name: string): { deleted: true } {
    this.#vault.forget(this.#known(project, name));
    return { deleted: true };
  }

  #known(project: string, name: string) {
    const secret = { project, handle: PREFIX + name };
    if (this.#vault.has(secret)) return secret;
    throw new OrchestratorError("VARIABLE_UNKNOWN", {
      problem: `The project has no variable "${name.slice(0, 50)}".`,
      nextStep: "List the project's variables, and use one of their names.",
    });
  }
}
