/** What may be used once: the ids of signed requests and of assertions, remembered durably until well after they have ended. */
import { type Database, migrate } from "../../store/index.ts";

export interface Once {
  readonly issuer: string;
  readonly id: string;
  /** When it ends by itself, milliseconds since the epoch. */
  readonly until: number;
  readonly now: number;
}

/** Each kind's table, and the name of its migration. */
const TABLES = {
  signed_request: "signed-requests",
  identity_assertion: "identity-assertions",
  possession_proof: "possession-proofs",
} as const;

/** Kept past the end, so that clocks need not agree. */
const KEPT_AFTER_END_MS = 600_000;

/** Remembers an id of this kind; false where it was seen before, also by another process or before a restart. */
export function openOnce(database: Database, kind: keyof typeof TABLES): (once: Once) => boolean {
  migrate(database, TABLES[kind], [
    `CREATE TABLE ${kind} (issuer TEXT NOT NULL, id TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (issuer, id)) STRICT, WITHOUT ROWID`,
  ]);
  return ({ issuer, id, until, now }) =>
    database.transaction(() => {
      database.run(`DELETE FROM ${kind} WHERE until < ?`, now - KEPT_AFTER_END_MS);
      const sql = `INSERT OR IGNORE INTO ${kind} (issuer, id, until) VALUES (?, ?, ?)`;
      return database.run(sql, issuer, id, until) === 1;
    });
}
