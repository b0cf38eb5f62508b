/**
 * One folder, one facilitator: two would follow and replace each other's transactions. The lock is SQLite's, because the operating
 * system drops it when its holder dies, with nothing left to clean up.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FacilitatorError } from "./network.ts";

/** Takes the folder until it is disposed of, or throws `FACILITATOR_IN_USE`. */
export function lockFolder(dir: string): Disposable {
  const database = new DatabaseSync(join(dir, "facilitator.lock"));
  try {
    database.exec("PRAGMA journal_mode = MEMORY; PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
  } catch {
    database.close();
    throw new FacilitatorError("FACILITATOR_IN_USE", {
      problem: `Another facilitator has ${dir} open.`,
      nextStep: "Stop it first, or give this one a folder and a key of its own.",
      details: { dir },
    });
  }
  return { [Symbol.dispose]: () => database.close() };
}
