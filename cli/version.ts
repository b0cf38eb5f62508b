/** The package's version, read from its package.json, which stands above `cli/` here and above `dist/cli/` when installed. */
import { readFileSync } from "node:fs";

export function version(): string {
  for (const place of ["../package.json", "../../package.json"]) {
    try {
      const text = readFileSync(new URL(place, import.meta.url), "utf8");
      const { name, version } = JSON.parse(text) as { name?: string; version?: string };
      if (name === "purser" && version !== undefined) return version;
    } catch {
      // Not at this place.
    }
  }
  return "unknown";
}
