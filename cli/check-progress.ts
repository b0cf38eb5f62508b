/**
 * How far a test is, for whoever watches it and for the log of a CI job, which must show that it has not hung: a line when a ring begins,
 * and one every ten seconds while a case takes its time. On stderr, so that stdout stays the report.
 */
import type { CheckProgress } from "../conformance/index.ts";

const EVERY_MS = 10_000;

export interface ProgressTeller extends Disposable {
  readonly onProgress: (progress: CheckProgress) => void;
}

/** `now` and `everyMs` are for tests. */
export function tellProgress(
  note: (line: string) => void,
  { now = Date.now, everyMs = EVERY_MS }: { now?: () => number; everyMs?: number } = {},
): ProgressTeller {
  const startedAt = now();
  let last: CheckProgress | undefined;
  const tell = ({ done, of, next: { id, ring, profile } }: CheckProgress) => {
    const seconds = Math.round((now() - startedAt) / 1000);
    const where = ring === "client" ? "" : `Ring ${ring}: `;
    note(`${where}${done} of ${of} cases done, ${seconds} s; now ${id} (${profile}).`);
  };
  const timer = setInterval(() => {
    if (last) tell(last);
  }, everyMs);
  timer.unref();
  return {
    onProgress(progress) {
      // A look at ring 0 takes less than a second: nobody needs to be told that it goes on.
      const { ring } = progress.next;
      if (last === undefined ? ring !== 0 : last.next.ring !== ring) tell(progress);
      last = progress;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
