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
import { z } from "zod";
import type { Database } from "../store/index.ts";
import { isSecret } from "./access-secrets.ts";
import type { Asker } from "./approvals.ts";
import type { Connections } from "./connections.ts";
import { OrchestratorError } from "./error.ts";
import type { Identity } from "./identity.ts";
import type { Projects } from "./projects.ts";
import { invalid, type ProviderAnswer } from "./provider-call.ts";
import { refusal } from "./provider-error.ts";
import { Serial } from "./serial.ts";
import type { SealedSecret, Vault } from "./vault.ts";

interface ResourceRow {
  id: string;
  providerId: string;
  service: string;
  configuration: string;
  status: string;
  access: string;
}

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

const COLUMNS = "id, provider_id AS providerId, service, configuration, status, access";

/** Access values become environment variables and bindings, so their names are those of variables. */
const Access = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/), z.string().max(16_384));
const Strings = z.record(z.string(), z.string());

export class Resources {
  readonly #parts: ResourcesOptions;
  readonly #serial = new Serial();

  constructor(parts: ResourcesOptions) {
    this.#parts = parts;
  }

  list(project: string): Resource[] {
    return this.#parts.db
      .query<ResourceRow>(
        `SELECT ${COLUMNS} FROM resource WHERE project = ? ORDER BY created_at, id`,
      )
      .all(project)
      .map(view);
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
    this.#claimKey(asker.project, order.idempotency_key, hash);
    return this.#serial.run(target.id, async () => {
      const existing = this.#row(target.id);
      if (existing?.status === "complete") return view(existing);
      checkFree(reference, service);
      return existing ? this.#refresh(target, existing) : this.#create(target);
    });
  }

  /** The same key means the same order for ever; another order under it is `IDEMPOTENCY_CONFLICT`. */
  #claimKey(project: string, key: string, hash: string): void {
    const { db } = this.#parts;
    db.run(
      "INSERT INTO idempotency (project, key, order_hash) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      project,
      key,
      hash,
    );
    const row = db
      .query<{ hash: string }>(
        "SELECT order_hash AS hash FROM idempotency WHERE project = ? AND key = ?",
      )
      .get(project, key);
    if (row?.hash === hash) return;
    throw new OrchestratorError("IDEMPOTENCY_CONFLICT", {
      problem: "This idempotency key was used for another order.",
      nextStep: "Use a new key for a new order.",
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
      configuration: Strings.parse(JSON.parse(configuration)),
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
    const { db, vault, trace, now } = this.#parts;
    const { asker, provider, reference, configuration, id } = target;
    const { data } = ResourceResponse.safeParse(answer.body);
    if (!data || data.status === "error" || data.status === "removed") {
      throw refusal(provider.profile.id, `adding of ${reference}`, answer);
    }
    const complete = data.status === "complete" ? data.complete.access_configuration : {};
    const { access, sealed } = await this.#split(target, complete);
    db.transaction(() => {
      for (const secret of sealed) vault.store(secret);
      db.run(
        "INSERT INTO resource (id, project, provider, provider_id, service, configuration, status, access, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET status = excluded.status, access = excluded.access",
        id,
        asker.project,
        provider.profile.id,
        data.id,
        reference,
        configuration,
        data.status,
        JSON.stringify(access),
        now(),
      );
    });
    trace?.append({ type: "resource", service: reference, id, status: data.status });
    return view(this.#row(id) as ResourceRow);
  }

  /** Secrets go to the vault, and their handles stand in their place. */
  async #split(
    { asker, provider, id }: Target,
    configuration: Record<string, string>,
  ): Promise<{ access: Record<string, string>; sealed: SealedSecret[] }> {
    const parsed = Access.safeParse(configuration).data;
    if (!parsed) throw invalid(`${provider.profile.id} names access values that are no variables.`);
    const access: Record<string, string> = {};
    const sealed: SealedSecret[] = [];
    for (const [name, value] of Object.entries(parsed)) {
      if (isSecret(name, value)) {
        const handle = `cred:${provider.profile.id}:${id}:${name}`;
        sealed.push(
          await this.#parts.vault.seal({ project: asker.project, handle }, new Secret(value)),
        );
        access[name] = handle;
      } else {
        access[name] = value;
      }
    }
    return { access, sealed };
  }

  #row(id: string): ResourceRow | undefined {
    return this.#parts.db
      .query<ResourceRow>(`SELECT ${COLUMNS} FROM resource WHERE id = ?`)
      .get(id);
  }
}

export interface ResourcesOptions {
  db: Database;
  vault: Vault;
  identity: Identity;
  connections: Connections;
  projects: Projects;
  trace: Trace | undefined;
  now: () => number;
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

function view({ id, service, status, configuration, access }: ResourceRow): Resource {
  return {
    id,
    service,
    status: status === "complete" ? "complete" : "pending",
    configuration: Strings.parse(JSON.parse(configuration)),
    access: Strings.parse(JSON.parse(access)),
  };
}
