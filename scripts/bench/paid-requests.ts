/**
 * A paid request from end to end: 402, payment, verification, settlement on the chain, answer. Ours with its ledger and its
 * guard, on disk; the stock stacks, which have neither, with their own facilitators and viem's nonce manager. Only what was
 * delivered counts: the stock stacks lose some payments when many are under way. Beside them runs the floor, which sells nothing and only
 * does what nobody can leave out: what it reaches bounds every stack of this machine's.
 */
import { type Bench, median } from "./bench.ts";
import { openFloorStack } from "./floor-stack.ts";
import { openOwnStack } from "./own-stack.ts";
import { type Stack, STOCK_STACKS } from "./stacks.ts";

const ROUNDS = 5;
const REQUESTS: Readonly<Record<number, number>> = { 1: 40, 16: 96, 64: 192 };
/** So many first that what is often called is compiled, in every stack alike, as in a program that sells all day. */
const WARM_UP: Readonly<Record<number, number>> = { 1: 300, 16: 600, 64: 1_000 };

export const PAID_REQUESTS: readonly Bench[] = [
  { name: "paid request, one at a time", unit: "ms", target: 0, better: "lower", timesBest: 2 },
  { name: "paid requests, 16 at once", unit: "/s", target: 0, better: "higher", timesBest: 3 },
  { name: "paid requests, 64 at once", unit: "/s", target: 0, better: "higher", timesBest: 5 },
].map((row, at) => ({ ...row, measure: () => compare([1, 16, 64][at] ?? 1) }) as Bench);

const STACKS = { ours: openOwnStack, floor: openFloorStack, ...STOCK_STACKS };

/** The stacks take turns, so that what else the machine does falls on all of them. */
async function compare(concurrency: number) {
  await using opened = new AsyncDisposableStack();
  const stacks: { name: string; stack: Stack; rounds: number[] }[] = [];
  for (const [name, open] of Object.entries(STACKS)) {
    const stack = opened.use(await open());
    await measure(name, stack, concurrency, WARM_UP[concurrency]);
    stacks.push({ name, stack, rounds: [] });
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { name, stack, rounds } of stacks)
      rounds.push(await measure(name, stack, concurrency));
  }
  const figures = stacks.map(({ name, rounds }) => ({ name, figure: median(rounds) }));
  const text = figures.map(({ name, figure }) => `${name} ${figure.toFixed(1)}`).join(", ");
  process.stderr.write(`  ${concurrency} at once: ${text}\n`);
  const [ours, floor, ...stock] = figures;
  const sorted = stock.sort((a, b) => a.figure - b.figure);
  const best = concurrency === 1 ? sorted[0] : sorted.at(-1);
  if (!ours || !floor || !best) throw new Error("nothing was measured");
  const ratio = concurrency === 1 ? best.figure / floor.figure : floor.figure / best.figure;
  const note = `the floor is ${floor.figure.toFixed(1)}, ${ratio.toFixed(2)}× of the best`;
  return { ours: ours.figure, best: best.figure, bestName: best.name, note };
}

/** The median time of one request, or requests per second where several are under way. */
async function measure(
  name: string,
  stack: Stack,
  concurrency: number,
  count = REQUESTS[concurrency] ?? concurrency,
): Promise<number> {
  const times: number[] = [];
  let failed: string | undefined;
  const queue = Array.from({ length: count }).values();
  const worker = async () => {
    for (const _ of queue) {
      const start = performance.now();
      try {
        await stack.buy();
        times.push(performance.now() - start);
      } catch (error) {
        failed ??= error instanceof Error ? error.message : "unknown";
      }
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  await stack.rest?.();
  const elapsed = performance.now() - start;
  if (failed !== undefined) {
    process.stderr.write(`  ${name}: ${count - times.length} of ${count} failed: ${failed}\n`);
  }
  return concurrency === 1 ? median(times) : (times.length * 1_000) / elapsed;
}
