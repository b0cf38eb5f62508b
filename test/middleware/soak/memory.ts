/** How much memory the process holds while a soak goes on. */
export interface MemorySample {
  /** After how many requests. */
  readonly requests: number;
  /** Bytes, after a collection where `--expose-gc` lets us ask for one. */
  readonly heap: number;
  readonly rss: number;
}

export function sampleMemory(requests: number): MemorySample {
  globalThis.gc?.();
  const { heapUsed: heap, rss } = process.memoryUsage();
  return { requests, heap, rss };
}

/** Bytes a request: the slope of the least-squares line through the samples; 0 for fewer than two. */
export function slopeOf(
  samples: readonly MemorySample[],
  bytesOf: (sample: MemorySample) => number,
): number {
  const mean = (read: (sample: MemorySample) => number) =>
    samples.reduce((sum, sample) => sum + read(sample), 0) / samples.length;
  if (samples.length < 2) return 0;
  const [x, y] = [mean(({ requests }) => requests), mean(bytesOf)];
  const over = mean((sample) => (sample.requests - x) * (bytesOf(sample) - y));
  return Math.round(over / mean(({ requests }) => (requests - x) ** 2));
}
