/**
 * The resources of all projects, the keys that their orders came with, and the work at a provider that is under way, as rows. The
 * work is written down, byte for byte, before the provider hears of it, so that after any crash the same thing is asked again and
 * never another; a resource and the secrets it brought become durable together.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { type Resource, ResourceBilling, isGone } from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import { OrchestratorError } from "./error.ts";
import type { SealedSecret, Vault } from "./vault.ts";

export interface ResourceRow {
  id: string;
  project: string;
  /** What two orders of the same thing have in common. */
  base: string;
  name: string | null;
  /** The provider's catalog id, and its own id of the resource: "" until it has said one. */
  provider: string;
  providerId: string;
  /** "provider/service". */
  service: string;
  /** JSON in a canonical form. */
  configuration: string;
  /** `creating`: the order may have left, and has not been answered. */
  status: "creating" | Resource["status"];
  /** JSON: plain values, and handles where the values are secrets. */
  access: string;
  /** JSON Schema of what the provider asks. */
  needs: string | null;
  /** JSON, as the provider says it; null where nothing is billed by the period. */
  billing: string | null;
  /** Milliseconds since the epoch. */
  paidUntil: number | null;
  /** What the person, or a run's budget, agreed to for a period: decimal text in US dollars. */
  agreed: string | null;
  /** The code of what stood in the way of the next period's payment. */
  renewalProblem: string | null;
}

/** A request that a provider is sent until it has answered it. */
export interface Work {
  /** Its idempotency key at the provider. */
  id: string;
  resource: string;
  kind: "create" | "link" | "update" | "rotate" | "renew";
  /** Below the provider's base URL. */
  path: string;
  /** The very bytes. */
  body: string;
  /** What it may cost: decimal text in US dollars; null where nothing is paid. */
  amount: string | null;
  /** JSON of what becomes of the resource where it succeeds. */
  change: string | null;
}

const COLUMNS =
  "id, project, base, name, provider, provider_id AS providerId, service, configuration, status, access, needs, billing, paid_until AS paidUntil, agreed, renewal_problem AS renewalProblem";
type OpenWork = Work & { readonly project: string };

const WORK = "id, resource, kind, path, body, amount, change";

const Strings = z.record(z.string(), z.string());

export class ResourceStore {
  readonly #db: Database;
  readonly #vault: Vault;
  readonly #now: () => number;

  constructor({ db, vault, now }: { db: Database; vault: Vault; now: () => number }) {
    this.#db = db;
    this.#vault = vault;
    this.#now = now;
  }

  /** What there is, and what may be there because it is being paid for; not what was merely asked for. */
  list(project: string): ResourceRow[] {
    return this.#db
      .query<ResourceRow>(
        `SELECT ${COLUMNS} FROM resource WHERE project = ? AND (status <> 'creating' OR EXISTS
           (SELECT 1 FROM resource_work WHERE resource = resource.id AND amount IS NOT NULL))
         ORDER BY created_at, rowid`,
      )
      .all(project);
  }

  /** The provider's own ids of the services that the project has of it. */
  held(project: string, provider: string): ReadonlySet<string> {
    const rows = this.#db
      .query<{ service: string }>(
        "SELECT DISTINCT service FROM resource WHERE project = ? AND provider = ? AND status = 'complete'",
      )
      .all(project, provider);
    return new Set(rows.map(({ service }) => service.slice(provider.length + 1)));
  }

  find(id: string): ResourceRow | undefined {
    return this.#db.query<ResourceRow>(`SELECT ${COLUMNS} FROM resource WHERE id = ?`).get(id);
  }

  /** Writes down a resource and the work that makes it, before the provider hears of it. */
  begin(row: ResourceRow, work: Work): void {
    this.#db.transaction(() => {
      this.#db.run(
        "INSERT INTO resource (id, project, base, name, provider, provider_id, service, configuration, status, access, needs, agreed, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row.id,
        row.project,
        row.base,
        row.name,
        row.provider,
        row.providerId,
        row.service,
        row.configuration,
        row.status,
        row.access,
        row.needs,
        row.agreed,
        this.#now(),
      );
      this.beginWork(work);
    });
  }

  beginWork({ id, resource, kind, path, body, amount, change }: Work): void {
    this.#db.run(
      "INSERT INTO resource_work (id, resource, kind, path, body, amount, change, begun_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
      id,
      resource,
      kind,
      path,
      body,
      amount,
      change,
      this.#now(),
    );
  }

  /** What is to be renewed by now, and was not tried a moment ago. */
  due(): ResourceRow[] {
    return this.#db
      .query<ResourceRow>(
        `SELECT ${COLUMNS} FROM resource WHERE status = 'complete' AND paid_until <= ? AND renewal_at <= ? ORDER BY paid_until`,
      )
      .all(this.#now(), this.#now());
  }

  /** Says what stood in the way of a renewal, which is not tried again before `at`. */
  postponeRenewal(id: string, problem: string, at: number): void {
    this.#db.run(
      "UPDATE resource SET renewal_problem = ?, renewal_at = ? WHERE id = ?",
      problem,
      at,
      id,
    );
  }

  /** What was postponed is tried again at once. */
  hurryRenewals(project: string, provider: string): void {
    this.#db.run(
      "UPDATE resource SET renewal_at = 0 WHERE project = ? AND provider = ?",
      project,
      provider,
    );
  }

  findOpen(id: string): Work | undefined {
    return this.#db
      .query<Work>(`SELECT ${WORK} FROM resource_work WHERE id = ? AND ended_at IS NULL`)
      .get(id);
  }

  /** Work that was never answered, or that the provider asks information for. */
  openWork(resource: string): Work | undefined {
    return this.#db
      .query<Work>(
        `SELECT ${WORK} FROM resource_work WHERE resource = ? AND ended_at IS NULL ORDER BY begun_at DESC`,
      )
      .get(resource);
  }

  /** Of resources that are being made. */
  allOpenWork(): OpenWork[] {
    return this.#listOpen("resource.status = 'creating'");
  }

  /** Updates that were never answered, of resources that nothing was done to since. */
  openUpdates(): OpenWork[] {
    return this.#listOpen(
      "resource.status = 'complete' AND kind = 'update' AND NOT EXISTS (SELECT 1 FROM resource_work AS later WHERE later.resource = resource.id AND later.begun_at > resource_work.begun_at)",
    );
  }

  #listOpen(where: string): OpenWork[] {
    const columns = WORK.split(", ").map((column) => `resource_work.${column}`);
    const sql = `SELECT ${columns.join(", ")}, project FROM resource_work JOIN resource ON resource.id = resource WHERE ended_at IS NULL AND ${where}`;
    return this.#db.query<OpenWork>(sql).all();
  }

  /** Whether work was done to its end before. */
  isDone(work: string): boolean {
    const sql = "SELECT id FROM resource_work WHERE id = ? AND ended_at IS NOT NULL";
    return this.#db.query(sql).get(work) !== undefined;
  }

  /** Keeps what the provider said, with the secrets that it brought; `ended` is the work that is done by it. */
  keep(row: ResourceRow, secrets: readonly SealedSecret[], ended?: string): void {
    this.#db.transaction(() => {
      for (const secret of secrets) this.#vault.store(secret);
      this.#db.run(
        "UPDATE resource SET provider_id = ?, service = ?, configuration = ?, status = ?, access = ?, needs = ?, billing = ?, paid_until = ?, agreed = ?, renewal_problem = ?, renewal_at = 0 WHERE id = ?",
        row.providerId,
        row.service,
        row.configuration,
        row.status,
        row.access,
        row.needs,
        row.billing,
        row.paidUntil,
        row.agreed,
        row.renewalProblem,
        row.id,
      );
      if (ended !== undefined) this.#end(ended);
    });
  }

  /** Keeps it, and what else changes of it, without its credentials, which leave the vault. */
  keepWithoutSecrets(before: ResourceRow, change: Partial<ResourceRow> = {}): ResourceRow {
    const { project } = before;
    const entries = Object.entries(Strings.parse(JSON.parse(before.access)));
    const isHandle = (value: string) => value.startsWith("cred:");
    const plain = entries.filter(([, value]) => !isHandle(value));
    const row = { ...before, access: JSON.stringify(Object.fromEntries(plain)), ...change };
    this.#db.transaction(() => {
      for (const [, handle] of entries)
        if (isHandle(handle)) this.#vault.forget({ project, handle });
      this.keep(row, []);
    });
    return row;
  }

  /** Forgets an order that the provider has refused, and with it the key: nothing was made and nothing paid. */
  drop(work: Work): void {
    this.#db.transaction(() => {
      this.#db.run("DELETE FROM resource_work WHERE id = ?", work.id);
      if (work.kind === "create" || work.kind === "link")
        this.#db.run("DELETE FROM resource WHERE id = ?", work.resource);
    });
  }

  /** The provider has answered it in another way. */
  endWork(id: string): void {
    this.#end(id);
  }

  #end(work: string): void {
    this.#db.run("UPDATE resource_work SET ended_at = ? WHERE id = ?", this.#now(), work);
  }

  /**
   * The id of the resource that an order is for. The same key means the same resource for ever, removed or not; another order under it
   * is `IDEMPOTENCY_CONFLICT`. Under a new key it is the one that there is of the same thing, or a new one.
   */
  claim({ project, key, base }: { project: string; key: string; base: string }): string {
    return this.#db.transaction(() => {
      const known = this.#key(project, key, base);
      if (known !== undefined) return known;
      const rows = this.#db
        .query<{ id: string; status: string }>("SELECT id, status FROM resource WHERE base = ?")
        .all(base);
      const live = rows.find((row) => !isGone(row) && row.status !== "errored");
      const id = live?.id ?? `res_${rows.length === 0 ? base : digest(base, String(rows.length))}`;
      this.#db.run(
        "INSERT INTO idempotency (project, key, order_hash, resource) VALUES (?, ?, ?, ?)",
        project,
        key,
        base,
        id,
      );
      return id;
    });
  }

  /** The same for a change of a resource: a key means one change. */
  claimChange({
    project,
    key,
    base,
    id,
  }: {
    project: string;
    key: string;
    base: string;
    id: string;
  }): void {
    if (this.#key(project, key, base) !== undefined) return;
    this.#db.run(
      "INSERT INTO idempotency (project, key, order_hash, resource) VALUES (?, ?, ?, ?)",
      project,
      key,
      base,
      id,
    );
  }

  #key(project: string, key: string, base: string): string | undefined {
    const row = this.#db
      .query<{ hash: string; resource: string }>(
        "SELECT order_hash AS hash, resource FROM idempotency WHERE project = ? AND key = ?",
      )
      .get(project, key);
    if (!row || row.hash === base) return row?.resource;
    throw new OrchestratorError("IDEMPOTENCY_CONFLICT", {
      problem: "This idempotency key was used for another order.",
      nextStep: "Use a new key for a new order.",
    });
  }
}

export function digest(...parts: string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

export function canonical(configuration: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(configuration).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(sorted));
}

/** The row as an agent sees it. */
export function viewResource({
  id,
  service,
  status,
  configuration,
  access,
  name,
  needs,
  billing,
  renewalProblem,
}: ResourceRow): Resource {
  return {
    id,
    service,
    status: status === "creating" ? "pending" : status,
    configuration: Strings.parse(JSON.parse(configuration)),
    access: Strings.parse(JSON.parse(access)),
    ...(name === null ? {} : { name }),
    ...(needs === null
      ? {}
      : { information_schema: JSON.parse(needs) as Resource["information_schema"] }),
    ...(billing === null
      ? {}
      : {
          billing: {
            ...ResourceBilling.parse(JSON.parse(billing)),
            ...(renewalProblem === null ? {} : { renewal_problem: renewalProblem }),
          },
        }),
  };
}
