/**
 * A resource is what a provider made for a project: a plan, a store, a database. Adding the same service with the same
 * configuration twice is adding it once, whichever key the agent sends and wherever a crash fell in between.
 */
import { createHash } from "node:crypto";
import {
  type CatalogProvider,
  type Resource,
  type ResourceOrder,
  ResourceResponse,
  Secret,
  type Service,
  type Trace,
} from "../protocol/index.ts";
import type { Asker } from "./approvals.ts";
import type { Connections } from "./connections.ts";
import { OrchestratorError } from "./error.ts";
import type { Identity } from "./identity.ts";
import type { Projects } from "./projects.ts";
import type { ProviderAnswer } from "./provider-call.ts";
import { refusal } from "./provider-error.ts";
import { type ResourceRow, type ResourceStore, viewResource } from "./resource-store.ts";
import { Serial } from "./serial.ts";
import { splitAccess } from "./split-access.ts";
import type { Vault } from "./vault.ts";

/** What is added: an entry of the catalog, with its configuration in a canonical form. */
interface Target {
  asker: Asker;
  provider: CatalogProvider;
  service: Service;
  reference: string;
  configuration: string;
  /** Derived from project, service and configuration, so that it is the same after any crash. */
  id: string;
}

export class Resources {
  readonly #parts: ResourcesOptions;
  readonly #serial = new Serial();

  constructor(parts: ResourcesOptions) {
    this.#parts = parts;
  }

  list(project: string): Resource[] {
    return this.#parts.store.list(project).map(viewResource);
  }

  /** Adds a free service, or answers the resource that the project already has of it. */
  add(
    asker: Asker,
    { provider, service }: { provider: CatalogProvider; service: Service },
    order: ResourceOrder,
  ): Promise<Resource> {
    const reference = `${provider.profile.id}/${service.id}`;
    const configuration = canonical(order.configuration);
    const hash = digest(asker.project, reference, configuration);
    const target = { asker, provider, service, reference, configuration, id: `res_${hash}` };
    this.#parts.store.claimKey(asker.project, order.idempotency_key, hash);
    return this.#serial.run(target.id, async () => {
      const existing = this.#parts.store.find(target.id);
      if (existing?.status === "complete") return viewResource(existing);
      checkFree(reference, service);
      return existing ? this.#refresh(target, existing) : this.#create(target);
    });
  }

  async #create(target: Target): Promise<Resource> {
    const { asker, provider, service, configuration, id } = target;
    const { connections, identity, projects } = this.#parts;
    await connections.connect(asker, provider);
    const cap = projects.cap(asker.project, provider.profile.id);
    const { token: mandate } = await identity.mandate(asker.project, provider.profile.id, cap);
    const body = {
      service_id: service.id,
      configuration: JSON.parse(configuration) as unknown,
      project_id: asker.project,
      mandate,
    };
    const url = `${provider.baseUrl}/provisioning/resources`;
    const answer = await this.#send(
      target,
      { method: "POST", url, body },
      { "idempotency-key": id },
    );
    return this.#keep(target, answer);
  }

  /** Asks again about a resource that was not ready. */
  async #refresh(target: Target, row: ResourceRow): Promise<Resource> {
    const url = `${target.provider.baseUrl}/provisioning/resources/${encodeURIComponent(row.providerId)}`;
    return this.#keep(target, await this.#send(target, { method: "GET", url }));
  }

  /** Signed, and with the account's token; a rejected token is renewed once. */
  async #send(
    { asker, provider }: Target,
    call: { method: "GET" | "POST"; url: string; body?: unknown },
    headers?: Record<string, string>,
  ): Promise<ProviderAnswer> {
    const { connections, identity } = this.#parts;
    const send = async (rejected?: Secret) => {
      const { access_token } = await connections.bearer(asker, provider, "orchestrator", rejected);
      const answer = await identity.send({
        ...call,
        headers: { ...headers, authorization: `Bearer ${access_token}` },
      });
      return { answer, token: new Secret(access_token) };
    };
    const { answer, token } = await send();
    return answer.status === 401 ? (await send(token)).answer : answer;
  }

  async #keep(target: Target, answer: ProviderAnswer): Promise<Resource> {
    const { store, vault, trace } = this.#parts;
    const { asker, reference, configuration, id } = target;
    const provider = target.provider.profile.id;
    const { data } = ResourceResponse.safeParse(answer.body);
    if (!data || (data.status !== "complete" && data.status !== "pending")) {
      throw refusal(provider, `adding of ${reference}`, answer);
    }
    const { project } = asker;
    const { status } = data;
    const complete = status === "complete" ? data.complete.access_configuration : {};
    const split = await splitAccess(vault, { project, provider, resource: id }, complete);
    const access = JSON.stringify(split.access);
    const row = {
      id,
      project,
      provider,
      providerId: data.id,
      service: reference,
      configuration,
      status,
      access,
    };
    store.keep(row, split.secrets);
    trace?.append({ type: "resource", service: reference, id, status });
    return viewResource(row);
  }
}

export interface ResourcesOptions {
  store: ResourceStore;
  vault: Vault;
  identity: Identity;
  connections: Connections;
  projects: Projects;
  trace: Trace | undefined;
}

/** What an agent must buy at the provider itself, and what cannot be paid for on this way yet. */
function checkFree(reference: string, service: Service): void {
  if (service.operations["create"]) {
    throw new OrchestratorError("BOUGHT_AT_PROVIDER", {
      problem: `${reference} is had by calling its own "create" operation, not by adding it here.`,
      nextStep: "Call the operation with the account's credential.",
    });
  }
  if (service.pricing.type !== "free") {
    throw new OrchestratorError("PAID_RESOURCE_UNAVAILABLE", {
      problem: `${reference} costs money, and paid services cannot be added through the orchestrator yet.`,
      nextStep: "Use a free service of the same capability.",
    });
  }
}

function canonical(configuration: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(configuration).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(sorted));
}

function digest(...parts: string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}
