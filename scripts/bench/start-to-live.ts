/** From the start of the process to the proven live URL, everything included: the slowest of several runs, each its own. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunResult } from "../../scenarios/index.ts";
import type { Bench } from "./bench.ts";

const RUNS = 5;

export const startToLive: Bench = {
  name: "start to live URL",
  unit: "ms",
  target: 5_000,
  better: "lower",
  async measure() {
    const times: number[] = [];
    for (let run = 0; run < RUNS; run += 1) times.push(await timeRun());
    return { ours: Math.max(...times) };
  },
};

async function timeRun(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "purser-bench-"));
  try {
    const start = performance.now();
    const args = [
      "run",
      "scenarios/landing-page.md",
      "--once",
      "--json",
      "--out",
      join(folder, "run"),
    ];
    const child = spawn(process.execPath, ["cli/main.ts", ...args], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let stdout = "";
    let proven = Number.NaN;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      // The result is printed when the URL is proven; the program then still closes its world.
      proven = performance.now() - start;
    });
    await new Promise((resolve) => child.once("close", resolve));
    const { passed, error } = JSON.parse(stdout) as RunResult;
    if (!passed) throw new Error(`The run did not pass: ${JSON.stringify(error)}`);
    return proven;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
