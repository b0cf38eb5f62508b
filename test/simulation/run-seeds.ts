/** Many seeds, over as many processes as there are cores; a process that dies or hangs is a failure of the seed that it was at. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { SeedReport } from "./sim-child.ts";

export interface RunSeedsOptions {
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly onReport?: (report: SeedReport) => void;
}

const CHILD = fileURLToPath(new URL("sim-child.ts", import.meta.url));
const CHUNK = 25;

/** Every seed's report, in the order of the seeds. */
export async function runSeeds(options: RunSeedsOptions): Promise<SeedReport[]> {
  const { from, seeds, jobs, onReport } = options;
  const left = Array.from({ length: seeds }, (_, index) => from + index);
  const reports: SeedReport[] = [];
  const note = (report: SeedReport) => {
    reports.push(report);
    onReport?.(report);
  };
  const work = async () => {
    const child = fork(CHILD, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    try {
      while (left.length > 0) await runChunk(child, left.splice(0, CHUNK), note);
    } finally {
      child.disconnect();
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return reports.sort((a, b) => a.seed - b.seed);
}

function runChunk(child: ChildProcess, seeds: number[], note: (report: SeedReport) => void) {
  return new Promise<void>((resolve, reject) => {
    let done = 0;
    const onMessage = (report: SeedReport) => {
      note(report);
      done += 1;
      if (done === seeds.length) finish(resolve);
    };
    const onExit = () => finish(() => reject(new Error(`the process of seed ${seeds[done]} died`)));
    const finish = (end: () => void) => {
      child.off("message", onMessage).off("exit", onExit);
      end();
    };
    child.on("message", onMessage).on("exit", onExit);
    child.send(seeds);
  });
}
