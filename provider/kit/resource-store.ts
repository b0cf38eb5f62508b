/** The resources that a provider has provided, and the request that each came from. */
import { type Database, migrate } from "../../store/index.ts";

export interface ResourceRecord {
  readonly id: string;
  readonly accountId: string;
  readonly project: string;
  readonly serviceId: string;
  /** Of the request; another request with the same id is a conflict. */
  readonly fingerprint: string;
  readonly configuration: Readonly<Record<string, string>>;
  /** What the orchestrator was given to reach it. */
  readonly access: Readonly<Record<string, string>>;
  readonly status: "complete" | "removed";
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface Resources {
  find(id: string): ResourceRecord | undefined;
  add(record: ResourceRecord): void;
  markRemoved(id: string): void;
}

type Row = Omit<ResourceRecord, "configuration" | "access"> & {
  configuration: string;
  access: string;
};

export function openResources(database: Database): Resources {
  migrate(database, "resources", [
    `CREATE TABLE resource (
       id TEXT PRIMARY KEY, account_id TEXT NOT NULL, project TEXT NOT NULL, service_id TEXT NOT NULL,
       fingerprint TEXT NOT NULL, configuration TEXT NOT NULL, access TEXT NOT NULL, status TEXT NOT NULL, created_at INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID`,
  ]);
  const byId = database.query<Row>(
    `SELECT id, account_id AS accountId, project, service_id AS serviceId, fingerprint, configuration, access, status,
            created_at AS createdAt FROM resource WHERE id = ?`,
  );
  return {
    find: (id) => {
      const row = byId.get(id);
      return (
        row && {
          ...row,
          configuration: JSON.parse(row.configuration) as Record<string, string>,
          access: JSON.parse(row.access) as Record<string, string>,
        }
      );
    },
    add: (record) => {
      database.run(
        "INSERT OR IGNORE INTO resource VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        record.id,
        record.accountId,
        record.project,
        record.serviceId,
        record.fingerprint,
        JSON.stringify(record.configuration),
        JSON.stringify(record.access),
        record.status,
        record.createdAt,
      );
    },
    markRemoved: (id) => {
      database.run("UPDATE resource SET status = 'removed' WHERE id = ?", id);
    },
  };
}
