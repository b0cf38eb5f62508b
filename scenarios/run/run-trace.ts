/** The trace of one run: every event goes to the file and, with the same time on it, to whoever watches. */
import { openTrace } from "../../agent/index.ts";
import type { Trace, TraceLine } from "../../protocol/index.ts";

export interface RunTrace extends Trace {
  /** Runs a stage and notes how long it took. */
  stage<T>(name: string, work: () => Promise<T>, startedAt?: number): Promise<T>;
  close(): void;
}

export function openRunTrace(
  path: string,
  { now, onEvent = () => {} }: { now: () => number; onEvent?: (line: TraceLine) => void },
): RunTrace {
  let at = now();
  const file = openTrace(path, { now: () => at });
  const append: RunTrace["append"] = (event) => {
    at = now();
    file.append(event);
    onEvent({ ...event, at });
  };
  return {
    append,
    async stage(name, work, startedAt = now()) {
      append({ type: "stage", name });
      try {
        return await work();
      } finally {
        append({ type: "stage", name, durationMs: now() - startedAt });
      }
    },
    close: () => file.close(),
  };
}
