/**
 * The resources of all projects and the keys that their orders came with, as rows. A resource and the secrets it brought become
 * durable together.
 */
import { z } from "zod";
import type { Resource } from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import { OrchestratorError } from "./error.ts";
import type { SealedSecret, Vault } from "./vault.ts";

export interface ResourceRow {
  id: string;
  project: string;
  /** The provider's catalog id, and its own id of the resource. */
  provider: string;
  providerId: string;
  /** "provider/service". */
  service: string;
  /** JSON in a canonical form. */
  configuration: string;
  status: "complete" | "pending";
  /** JSON: plain values, and handles where the values are secrets. */
  access: string;
}

const COLUMNS =
  "id, project, provider, provider_id AS providerId, service, configuration, status, access";

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

  list(project: string): ResourceRow[] {
    return this.#db
      .query<ResourceRow>(
        `SELECT ${COLUMNS} FROM resource WHERE project = ? ORDER BY created_at, id`,
      )
      .all(project);
  }

  find(id: string): ResourceRow | undefined {
    return this.#db.query<ResourceRow>(`SELECT ${COLUMNS} FROM resource WHERE id = ?`).get(id);
  }

  keep(row: ResourceRow, secrets: readonly SealedSecret[]): void {
    this.#db.transaction(() => {
      for (const secret of secrets) this.#vault.store(secret);
      this.#db.run(
        "INSERT INTO resource (id, project, provider, provider_id, service, configuration, status, access, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET status = excluded.status, access = excluded.access",
        row.id,
        row.project,
        row.provider,
        row.providerId,
        row.service,
        row.configuration,
        row.status,
        row.access,
        this.#now(),
      );
    });
  }

  /** The same key means the same order for ever; another order under it is `IDEMPOTENCY_CONFLICT`. */
  claimKey(project: string, key: string, orderHash: string): void {
    this.#db.run(
      "INSERT INTO idempotency (project, key, order_hash) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      project,
      key,
      orderHash,
    );
    const row = this.#db
      .query<{ hash: string }>(
        "SELECT order_hash AS hash FROM idempotency WHERE project = ? AND key = ?",
      )
      .get(project, key);
    if (row?.hash === orderHash) return;
    throw new OrchestratorError("IDEMPOTENCY_CONFLICT", {
      problem: "This idempotency key was used for another order.",
      nextStep: "Use a new key for a new order.",
    });
  }
}

/** The row as an agent sees it. */
export function viewResource({
  id,
  service,
  status,
  configuration,
  access,
}: ResourceRow): Resource {
  return {
    id,
    service,
    status,
    configuration: Strings.parse(JSON.parse(configuration)),
    access: Strings.parse(JSON.parse(access)),
  };
}
