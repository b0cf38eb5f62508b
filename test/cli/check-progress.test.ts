/** How a long test is told in a job's log: a line for each ring, and one every few seconds while a case takes its time. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { tellProgress } from "../../cli/check-progress.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const next = (ring: 0 | 1 | 2 | 3, id: string) => ({ id, ring, profile: "mpp" as const });

test("a ring is told as it begins, and a case that takes long every ten seconds", () => {
  const lines: string[] = [];
  {
    using progress = tellProgress((line) => lines.push(line));
    progress.onProgress({ done: 0, of: 9, next: next(0, "CHAL-01") });
    progress.onProgress({ done: 1, of: 9, next: next(3, "WORK-01") });
    progress.onProgress({ done: 2, of: 9, next: next(3, "WORK-06") });
    vi.advanceTimersByTime(21_000);
  }
  vi.advanceTimersByTime(60_000);
  expect(lines).toEqual([
    "Ring 3: 1 of 9 cases done, 0 s; now WORK-01 (mpp).",
    "Ring 3: 2 of 9 cases done, 10 s; now WORK-06 (mpp).",
    "Ring 3: 2 of 9 cases done, 20 s; now WORK-06 (mpp).",
  ]);
});
