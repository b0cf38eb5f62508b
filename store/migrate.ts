/**
 * Brings a role's tables to the newest shape, one step after another, each step exactly once. Steps are only ever added at
 * the end: a step that has been released is history.
 */
import { type Database, StoreError } from "./database.ts";

/** SQL, or a function for what SQL alone cannot do. */
export type MigrationStep = string | ((db: Database) => void);

/**
 * Runs the steps that `db` has not seen under this name, all in one transaction. Throws `DATABASE_TOO_NEW` when the file was
 * written by a newer version of this program.
 */
export function migrate(db: Database, name: string, steps: readonly MigrationStep[]): void {
  db.transaction(() => {
    db.exec(
      "CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT",
    );
    const row = db
      .query<{ version: number }>("SELECT version FROM migration WHERE name = ?")
      .get(name);
    const version = row?.version ?? 0;
    if (version > steps.length) {
      throw new StoreError("DATABASE_TOO_NEW", {
        problem: `${db.path} has version ${version} of "${name}", and this program knows ${steps.length}.`,
        nextStep: "Use the newer version of the program that wrote it.",
      });
    }
    for (const step of steps.slice(version)) {
      if (typeof step === "string") db.exec(step);
      else step(db);
    }
    db.run(
      "INSERT INTO migration (name, version) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET version = excluded.version",
      name,
      steps.length,
    );
  });
}
