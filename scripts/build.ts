/** Builds what the package ships: `dist/` from the TypeScript sources, checked by publint. */
import { spawnSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";

function run(command: string, args: string[]): void {
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

rmSync("dist", { recursive: true, force: true });
run("tsc", ["-p", "tsconfig.build.json"]);
for (const door of ["main", "stripe-shim"]) chmodSync(`dist/cli/${door}.js`, 0o755);
run("publint", ["--strict"]);
