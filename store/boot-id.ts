/**
 * Names the time since this machine was started. What a process has written to a file outlives that process; only the end of this time
 * can undo what was not synced.
 */
import { readFileSync } from "node:fs";

/** Linux's own (random(4), `/proc/sys/kernel/random/boot_id`); undefined where the system has none. */
export function bootId(): string | undefined {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}
