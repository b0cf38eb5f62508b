/** `init --stripe-shim`: a `stripe` for this project alone, in `.projects/bin`, which a person puts on the PATH when they want it. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeWhole } from "./project-folder.ts";

/** Gives the folder to put on the PATH. */
export function writeShim(root: string): string {
  const dir = join(root, ".projects", "bin");
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const main = fileURLToPath(new URL(`../stripe-shim.${extension}`, import.meta.url));
  const line = [process.execPath, main].map(
    (word) => `'${word.replaceAll("'", String.raw`'\''`)}'`,
  );
  writeWhole(join(dir, "stripe"), `#!/bin/sh\nexec ${line.join(" ")} "$@"\n`, 0o755);
  return dir;
}
