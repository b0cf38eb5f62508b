/**
 * A paid request from end to end: 402, payment, verification, settlement on the chain, answer. Ours with its ledger and its
 * guard, on disk; the stock stacks, which have neither, with their own facilitators and viem's nonce manager. Only what was
 * delivered counts: the stock stacks lose some payments when many are under way. Each stack is two processes, the buyer's and the
 * seller's with its facilitator, and has a fresh chain for each turn, on which none sells more than the best stock stack does in its time:
 * each block costs anvil 1.8 µs more for each payment that the chain has seen. Beside them runs the floor, which sells nothing and only does what nobody can leave out: what it reaches bounds every stack.
 */
import { type Bench, median } from "./bench.ts";
import { openStack, type Stack } from "./stack.ts";

const ROUNDS = 7;
const [LEAD_MS, MS] = [1_000, 3_000];
/** So many end a turn before its time. */
const PURCHASES: Readonly<Record<number, number>> = { 1: 300, 16: 450, 64: 600 };
/** So long first that what is often called is compiled, in every stack alike, as in a program that sells all day; our policy has at most 10,000 a minute. */
const WARM_UP = { leadMs: 0, counted: { ms: 10_000, purchases: 8_000 } };

export const PAID_REQUESTS: readonly Bench[] = [
  { name: "paid request, one at a time", unit: "ms", target: 0, better: "lower", timesBest: 2 },
  { name: "paid requests, 16 at once", unit: "/s", target: 0, better: "higher", timesBest: 3 },
  { name: "paid requests, 64 at once", unit: "/s", target: 0, better: "higher", timesBest: 5 },
].map((row, at) => ({ ...row, measure: () => compare([1, 16, 64][at] ?? 1) }) as Bench);

const NAMES = ["ours", "floor", "x402-express", "@x402/express", "mppx"];

/** The stacks take turns, so that what else the machine does falls on all of them. */
async function compare(concurrency: number) {
  await using opened = new AsyncDisposableStack();
  const stacks: { stack: Stack; rounds: number[] }[] = [];
  const turn = { leadMs: LEAD_MS, counted: { ms: MS, purchases: PURCHASES[concurrency] ?? 0 } };
  for (const name of NAMES) {
    const stack = opened.use(await openStack(name));
    await stack.take({ concurrency, ...WARM_UP });
    stacks.push({ stack, rounds: [] });
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { stack, rounds } of stacks) {
      rounds.push(await stack.take({ concurrency, ...turn }));
    }
  }
  const figures = stacks.map(({ stack: { name }, rounds }) => ({
    name,
    figure: median(rounds),
  }));
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
