/**
 * Makes a folder and those above it, as `mkdir -p` does. Node's own recursive `mkdirSync` never returns where a parent exists
 * in which nothing can be made (such as `/proc`), and a wrong `--out` must be an error, not a hang.
 */
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

export function makeFolder(path: string, mode = 0o777): void {
  const folder = resolve(path);
  const existing = statSync(folder, { throwIfNoEntry: false });
  if (existing?.isDirectory()) return;
  if (!existing && dirname(folder) !== folder) makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}
