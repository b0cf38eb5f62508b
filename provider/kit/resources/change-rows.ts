/** The changes of resources as rows, by the key that each was asked for under: the work that was done for one is kept until it is paid. */
import { type Database, migrate } from "../../../store/index.ts";
import type { Access } from "../definition.ts";

export interface ChangeRow {
  fingerprint: string;
  state: "held" | "done" | "lapsed";
  payment: string | null;
  resourceId: string;
  access: string | null;
}

export function openChangeRows(database: Database) {
  migrate(database, "resource-changes", [
    `CREATE TABLE resource_change (
       id TEXT PRIMARY KEY, resource_id TEXT NOT NULL, fingerprint TEXT NOT NULL,
       state TEXT NOT NULL CHECK (state IN ('held', 'done', 'lapsed')), payment TEXT, access TEXT
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX resource_change_by_state ON resource_change (state, resource_id)`,
  ]);
  const columns =
    "SELECT id, fingerprint, state, payment, resource_id AS resourceId, access FROM resource_change";
  const byId = database.query<ChangeRow>(`${columns} WHERE id = ?`);
  const held = database.query<ChangeRow>(`${columns} WHERE state = 'held' AND resource_id = ?`);
  const lapsed = database.query<ChangeRow & { id: string }>(`${columns} WHERE state = 'lapsed'`);
  return {
    find: (id: string) => byId.get(id),
    openOf: (resourceId: string) => held.get(resourceId),
    lapsed: () => lapsed.all(),
    save: (
      id: string,
      row: Pick<ChangeRow, "fingerprint" | "state" | "resourceId"> & { payment?: string },
    ) =>
      database.run(
        `INSERT INTO resource_change VALUES (?, ?, ?, ?, ?, NULL)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, payment = excluded.payment`,
        id,
        row.resourceId,
        row.fingerprint,
        row.state,
        row.payment ?? null,
      ),
    keepAccess: (id: string, access: Access) =>
      database.run(
        "UPDATE resource_change SET access = ? WHERE id = ?",
        JSON.stringify(access),
        id,
      ),
    accessOf: (id: string) => {
      const kept = byId.get(id)?.access;
      return typeof kept === "string" ? (JSON.parse(kept) as Access) : undefined;
    },
    mark: (id: string, state: ChangeRow["state"]) =>
      database.run("UPDATE resource_change SET state = ? WHERE id = ?", state, id),
    delete: (id: string) => database.run("DELETE FROM resource_change WHERE id = ?", id),
  };
}
