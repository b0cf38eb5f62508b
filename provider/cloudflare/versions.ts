/** Versions that were uploaded and may be deployed later; the last few of each Worker are kept. */
import { type Database, migrate } from "../../store/index.ts";
import type { WorkerCode } from "./runtime/worker-code.ts";

interface VersionKey {
  accountId: string;
  name: string;
  id: string;
}

export interface Versions {
  /** Returns the version's number. */
  add(version: VersionKey & { code: WorkerCode }): number;
  find(key: VersionKey): WorkerCode | undefined;
}

const KEPT = 10;

export function openVersions(database: Database): Versions {
  migrate(database, "versions", [
    `CREATE TABLE version (
       number INTEGER PRIMARY KEY, account_id TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL UNIQUE, code TEXT NOT NULL
     ) STRICT`,
  ]);
  const last = database.query<{ number: number }>("SELECT max(number) AS number FROM version");
  const one = database.query<{ code: string }>(
    "SELECT code FROM version WHERE account_id = ? AND name = ? AND id = ?",
  );
  return {
    add: ({ accountId, name, id, code }) =>
      database.transaction(() => {
        database.run(
          "INSERT INTO version (account_id, name, id, code) VALUES (?, ?, ?, ?)",
          accountId,
          name,
          id,
          JSON.stringify(code),
        );
        database.run(
          `DELETE FROM version WHERE account_id = ? AND name = ? AND number NOT IN
             (SELECT number FROM version WHERE account_id = ? AND name = ? ORDER BY number DESC LIMIT ${KEPT})`,
          accountId,
          name,
          accountId,
          name,
        );
        return last.get()?.number ?? 1;
      }),
    find: ({ accountId, name, id }) => {
      const row = one.get(accountId, name, id);
      return row && (JSON.parse(row.code) as WorkerCode);
    },
  };
}
