/**
 * miniflare is made for a command line of its own: its constructor takes over SIGINT and SIGTERM (and exits, cutting everybody
 * else's clean-up short), listens to the parent's messages, and makes folders in the system's temporary folder, which a killed
 * process leaves behind. Here it is made inside somebody's process, so each of these is undone or kept inside our folder.
 */
import type { Miniflare, MiniflareOptions } from "miniflare";

const TAKEN_OVER = ["SIGINT", "SIGTERM", "message"] as const;

/** Constructs it; its temporary files go to `tmpdir`. Its listener for our own exit stays: that one stops workerd. */
export function constructTamed(
  constructor: typeof Miniflare,
  options: MiniflareOptions,
  tmpdir: string,
): Miniflare {
  const before = TAKEN_OVER.map((event) => new Set(process.listeners(event as NodeJS.Signals)));
  const { TMPDIR } = process.env;
  process.env["TMPDIR"] = tmpdir;
  try {
    return new constructor(options);
  } finally {
    if (TMPDIR === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = TMPDIR;
    TAKEN_OVER.forEach((event, index) => {
      for (const listener of process.listeners(event as NodeJS.Signals)) {
        if (!before[index]?.has(listener)) process.removeListener(event, listener);
      }
    });
  }
}
