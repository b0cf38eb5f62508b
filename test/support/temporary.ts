/** A folder that is gone when the test is over. */
import { mkdtempSync, readFileSync, realpathSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryFolder extends Disposable {
  path: string;
}

const ENOUGH_BYTES = 2 ** 30;

/**
 * Where tests keep their files: in memory where that can be had, because every commit waits for a disk otherwise (4 ms here, and a world
 * makes some hundred). What a process wrote outlives it there as well; only a power cut would differ, and no test makes one.
 */
const TEMPORARY_ROOT = hasMemoryFolder("/dev/shm") ? "/dev/shm" : tmpdir();

export function temporaryFolder(): TemporaryFolder {
  const path = newFolder("test");
  return {
    path,
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** One that somebody else removes. */
export function newFolder(name: string): string {
  return realpathSync(mkdtempSync(join(TEMPORARY_ROOT, `purser-${name}-`)));
}

/** Containers often have one that is too small, or that no program may be started from. */
function hasMemoryFolder(path: string): boolean {
  try {
    const mounts = readFileSync("/proc/mounts", "utf8").split("\n");
    const [, , type, options = ""] = mounts.find((line) => line.split(" ")[1] === path)!.split(" ");
    const { bavail, bsize } = statfsSync(path);
    return type === "tmpfs" && !/\bnoexec\b/.test(options) && bavail * bsize > ENOUGH_BYTES;
  } catch {
    return false;
  }
}
