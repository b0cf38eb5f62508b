/** A bench: one figure that we promise, how it is measured, and what it is compared with. */
export interface Bench {
  name: string;
  unit: string;
  /** Where the promise is a multiple of the best stock package, this is left to `timesBest`. */
  target: number;
  better: "lower" | "higher";
  /** How many times better than the best we promise to be. */
  timesBest?: number;
  /** `best` is the best stock package in the same run, where there is one; `note` says what bounds the figure. */
  measure(): Promise<{ ours: number; best?: number; bestName?: string; note?: string }>;
}

/** A row of the result. */
export interface BenchRow {
  name: string;
  unit: string;
  ours: number;
  best: number | null;
  bestName: string | null;
  /** How many times better we are than the best. */
  ratio: number | null;
  target: number;
  holds: boolean;
  note: string | null;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
