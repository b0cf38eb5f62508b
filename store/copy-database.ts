/** A whole copy of a SQLite file from one moment, made while others write to it. */
import { DatabaseSync } from "node:sqlite";

/** `to` must not be there yet. */
export function copyDatabase(from: string, to: string): void {
  const db = new DatabaseSync(from, { readOnly: true });
  try {
    db.prepare("VACUUM INTO ?").run(to);
  } finally {
    db.close();
  }
}
