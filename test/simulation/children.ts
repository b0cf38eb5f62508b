/** Work over as many processes as there are cores: one message out, one message back. One that dies ends everything. */
import { type ChildProcess, fork } from "node:child_process";
import type { Hunt } from "./mutant-child.ts";
import type { SeedReport } from "./sim-child.ts";
import { bundled } from "../support/bundled.ts";

export interface RunSeedsOptions {
  readonly from: number;
  readonly seeds: number;
  /** Processes. */
  readonly jobs: number;
  readonly onReport?: (report: SeedReport) => void;
}

const CHUNK = 25;

/** Every seed's report, in the order of the seeds. */
export async function runSeeds(options: RunSeedsOptions): Promise<SeedReport[]> {
  const { from, seeds, jobs, onReport } = options;
  const chunks: number[][] = [];
  for (let seed = from; seed < from + seeds; seed += 1) {
    if (chunks.at(-1)?.length !== CHUNK && chunks.length > 0) chunks.at(-1)!.push(seed);
    else chunks.push([seed]);
  }
  const reports: SeedReport[] = [];
  await spread("sim-child.ts", chunks, jobs, (chunk) => {
    reports.push(...(chunk as SeedReport[]));
    for (const report of chunk as SeedReport[]) onReport?.(report);
  });
  return reports.sort((a, b) => a.seed - b.seed);
}

/** Hunts each mutant, by its name. */
export async function huntMutants(
  names: readonly string[],
  jobs: number,
  onHunt: (hunt: Hunt) => void,
): Promise<void> {
  await spread("mutant-child.ts", names, jobs, (hunt) => onHunt(hunt as Hunt));
}

async function spread(
  file: string,
  jobs: readonly unknown[],
  processes: number,
  onReport: (report: unknown) => void,
): Promise<void> {
  const left = [...jobs];
  const path = await bundled(new URL(file, import.meta.url));
  const work = async () => {
    const child = fork(path, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    try {
      for (let job = left.shift(); job !== undefined; job = left.shift()) {
        onReport(await ask(child, job));
      }
    } finally {
      child.disconnect();
    }
  };
  await Promise.all(Array.from({ length: Math.min(processes, jobs.length) }, work));
}

function ask(child: ChildProcess, job: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error(`the process with ${JSON.stringify(job)} died`));
    child.once("exit", onExit);
    child.once("message", (report) => {
      child.off("exit", onExit);
      resolve(report);
    });
    child.send(job as object);
  });
}
