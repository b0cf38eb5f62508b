/**
 * Where the suite keeps its files, and that nothing of them stays: in memory where that can be had, because every commit waits for a
 * disk otherwise (4 ms here, and a world makes some hundred). What a process wrote outlives it there as well; only a power cut would
 * differ, and no test makes one.
 */
import { mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MEMORY = "/dev/shm";
const ENOUGH_BYTES = 2 ** 30;

export default function setup(): () => void {
  const folder = mkdtempSync(join(hasRoom(MEMORY) ? MEMORY : tmpdir(), "purser-suite-"));
  process.env["TMPDIR"] = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Containers often have one that is too small, or that no program may be started from. */
function hasRoom(path: string): boolean {
  try {
    const mounts = readFileSync("/proc/mounts", "utf8").split("\n");
    const [, , type, options = ""] = mounts.find((line) => line.split(" ")[1] === path)!.split(" ");
    const { bavail, bsize } = statfsSync(path);
    return type === "tmpfs" && !/\bnoexec\b/.test(options) && bavail * bsize > ENOUGH_BYTES;
  } catch {
    return false;
  }
}
