/**
 * What unmodified servers and clients of other people, and ours, do when `purser check` tests them, as `docs/interop.md`.
 *
 * `npm run interop` writes the page; `--print` prints it instead.
 */
import { writeFileSync } from "node:fs";
import { openLocalWorld } from "../conformance/index.ts";
import { clientsSection } from "./clients/section.ts";
import { serversSection } from "./servers/section.ts";

if (process.argv.includes("--help")) {
  process.stdout.write("npm run interop: writes docs/interop.md; --print prints it instead.\n");
  process.exit(0);
}
const tell = (line: string) => void process.stderr.write(`${line}\n`);
const servers = await serversSection(tell);
await using world = await openLocalWorld();
const page = `${servers}\n${await clientsSection(world, tell)}`;
if (process.argv.includes("--print")) process.stdout.write(page);
else writeFileSync(new URL("../docs/interop.md", import.meta.url), page);
