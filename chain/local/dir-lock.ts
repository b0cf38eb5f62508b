/**
 * One folder, one chain. Two things may still hold a folder: a program that has the chain open, and the anvil of a program that
 * was killed, which needs a moment to save its state. The first is refused; the second is waited for.
 * The lock is SQLite's, because the operating system drops it when its holder dies, with nothing left to clean up.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { ChainError } from "../error.ts";

const DYING_MS = 5_000;

export interface DirLock {
  release(): void;
}

/** Takes the folder, or throws `CHAIN_DIR_IN_USE`. */
export async function lockDir(dir: string, pidFile: string): Promise<DirLock> {
  const database = new DatabaseSync(join(dir, "lock.sqlite"));
  try {
    database.exec("PRAGMA journal_mode = MEMORY; PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
  } catch {
    database.close();
    throw inUse(dir, "another program has it open");
  }
  for (let waited = 0; isRunning(dir, pidFile); waited += 10) {
    if (waited >= DYING_MS) {
      database.close();
      throw inUse(dir, "the anvil of an earlier program is still running in it");
    }
    await delay(10);
  }
  return { release: () => database.close() };
}

/** Whether the process that the file names is the anvil of this folder: numbers of processes are used again. */
function isRunning(dir: string, pidFile: string): boolean {
  try {
    const pid = Number(readFileSync(pidFile, "utf8"));
    if (!Number.isSafeInteger(pid) || pid <= 1) return false;
    process.kill(pid, 0);
    return (
      process.platform !== "linux" || readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(dir)
    );
  } catch {
    return false;
  }
}

function inUse(dir: string, reason: string): ChainError {
  return new ChainError("CHAIN_DIR_IN_USE", {
    problem: `The local chain in ${dir} cannot be opened: ${reason}.`,
    nextStep: "Stop the other run, or use another folder.",
  });
}
