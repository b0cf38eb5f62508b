/** The Workers of every account as they were last uploaded. */
import { createHash } from "node:crypto";
import { type Database, migrate } from "../../store/index.ts";
import type { WorkerCode } from "./runtime/worker-code.ts";
import { boundTo, type DeployedWorkers } from "./runtime/workers-runtime.ts";

export interface Script {
  readonly accountId: string;
  readonly name: string;
  readonly code: WorkerCode;
  readonly versionId: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly modifiedAt: number;
}

export interface Scripts {
  find(accountId: string, name: string): Script | undefined;
  list(accountId: string): Script[];
  put(script: Script): void;
  remove(accountId: string, name: string): void;
  /** All of them, as the runtime knows them. */
  readonly deployed: DeployedWorkers;
}

/** The name that the runtime knows a Worker by: accounts may name theirs alike. */
export function runtimeName(accountId: string, name: string): string {
  return `w-${createHash("sha256").update(`${accountId}/${name}`).digest("hex").slice(0, 32)}`;
}

type Row = Omit<Script, "code"> & { code: string };

export function openScripts(database: Database): Scripts {
  migrate(database, "scripts", [
    `CREATE TABLE script (
       account_id TEXT NOT NULL, name TEXT NOT NULL, code TEXT NOT NULL, version_id TEXT NOT NULL,
       created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL,
       PRIMARY KEY (account_id, name)
     ) STRICT, WITHOUT ROWID`,
  ]);
  const select =
    "SELECT account_id AS accountId, name, code, version_id AS versionId, created_at AS createdAt, modified_at AS modifiedAt FROM script";
  const one = database.query<Row>(`${select} WHERE account_id = ? AND name = ?`);
  const ofAccount = database.query<Row>(`${select} WHERE account_id = ? ORDER BY name`);
  const bound = database.query<{ accountId: string; name: string; bindings: string }>(
    "SELECT account_id AS accountId, name, json_extract(code, '$.bindings') AS bindings FROM script",
  );
  const read = (row: Row): Script => ({ ...row, code: JSON.parse(row.code) as WorkerCode });
  return {
    find: (accountId, name) => {
      const row = one.get(accountId, name);
      return row && read(row);
    },
    list: (accountId) => ofAccount.all(accountId).map(read),
    put: ({ accountId, name, code, versionId, createdAt, modifiedAt }) => {
      database.run(
        "INSERT OR REPLACE INTO script VALUES (?, ?, ?, ?, ?, ?)",
        accountId,
        name,
        JSON.stringify(code),
        versionId,
        createdAt,
        modifiedAt,
      );
    },
    remove: (accountId, name) => {
      database.run("DELETE FROM script WHERE account_id = ? AND name = ?", accountId, name);
    },
    deployed: {
      list: () =>
        bound.all().map(({ accountId, name, bindings }) => ({
          name: runtimeName(accountId, name),
          namespaces: boundTo({ bindings: JSON.parse(bindings) as WorkerCode["bindings"] }),
        })),
      code: (runtime) => {
        const row = bound
          .all()
          .find(({ accountId, name }) => runtimeName(accountId, name) === runtime);
        const found = row && one.get(row.accountId, row.name);
        return found && read(found).code;
      },
    },
  };
}
