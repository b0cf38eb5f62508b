/** This package: its root stands above `cli/` in a checkout, and above `dist/cli/` when installed. */
import { readFileSync } from "node:fs";

export interface InstalledPackage {
  /** Ends with a slash. */
  root: URL;
  version: string;
}

export function findPackage(): InstalledPackage | undefined {
  for (const place of ["../", "../../"]) {
    const root = new URL(place, import.meta.url);
    try {
      const text = readFileSync(new URL("package.json", root), "utf8");
      const { name, version } = JSON.parse(text) as { name?: string; version?: string };
      if (name === "purser" && version !== undefined) return { root, version };
    } catch {
      // Not at this place.
    }
  }
  return undefined;
}
