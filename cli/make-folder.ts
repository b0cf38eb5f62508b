/**
 * Makes a folder that the command line names, with those above it. Not by `mkdir`'s own recursion, which never ends where the system
 * says of a folder that is there that it is not (nodejs: below /proc, for one).
 */
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { UsageError } from "./exit.ts";

/** Mode 700; one that is there already stays as it is. Throws `USAGE` where it cannot be made. */
export function makeFolder(folder: string): void {
  try {
    make(folder);
  } catch (cause) {
    throw new UsageError("USAGE", {
      problem: `The folder ${folder} cannot be made (${(cause as NodeJS.ErrnoException).code ?? "unknown"}).`,
      nextStep: "Name a folder that you can write to.",
      cause,
    });
  }
}

function make(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && statSync(folder).isDirectory()) return;
    if (code !== "ENOENT" || existsSync(dirname(folder))) throw error;
    make(dirname(folder));
    mkdirSync(folder, { mode: 0o700 });
  }
}
