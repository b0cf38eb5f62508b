/**
 * One folder, one world. The lock is SQLite's, because the operating system drops it when its holder dies, however it dies;
 * so a killed program never leaves a lock behind, and a process id that was given out again confuses nobody.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { WorldError } from "./world-error.ts";

export function lockWorld(dir: string): { release(): void } {
  const database = new DatabaseSync(join(dir, "lock.sqlite"));
  try {
    database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    throw new WorldError("WORLD_IN_USE", {
      problem: `The world in ${dir} is open in another program.`,
      nextStep: "Stop that program, or use another folder.",
      details: { part: "folder", dir },
      cause,
    });
  }
  return { release: () => database.close() };
}
