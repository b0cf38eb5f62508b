/** The KV namespaces of every account. Their data is the runtime's. */
import { type Database, migrate } from "../../store/index.ts";

export interface KvNamespace {
  readonly id: string;
  readonly accountId: string;
  readonly title: string;
}

export interface KvNamespaces {
  find(id: string): KvNamespace | undefined;
  list(accountId: string): KvNamespace[];
  /** False when the account has another namespace of that title. The same id again is the same namespace. */
  add(namespace: KvNamespace): boolean;
  remove(id: string): void;
}

export function openKvNamespaces(database: Database): KvNamespaces {
  migrate(database, "kv-namespaces", [
    `CREATE TABLE kv_namespace (
       id TEXT PRIMARY KEY, account_id TEXT NOT NULL, title TEXT NOT NULL, UNIQUE (account_id, title)
     ) STRICT, WITHOUT ROWID`,
  ]);
  const select = "SELECT id, account_id AS accountId, title FROM kv_namespace";
  const one = database.query<KvNamespace>(`${select} WHERE id = ?`);
  const ofAccount = database.query<KvNamespace>(`${select} WHERE account_id = ? ORDER BY title`);
  return {
    find: (id) => one.get(id),
    list: (accountId) => ofAccount.all(accountId),
    add: ({ id, accountId, title }) => {
      const sql = "INSERT OR IGNORE INTO kv_namespace VALUES (?, ?, ?)";
      return database.run(sql, id, accountId, title) === 1 || one.get(id) !== undefined;
    },
    remove: (id) => {
      database.run("DELETE FROM kv_namespace WHERE id = ?", id);
    },
  };
}
