/**
 * A stack (buyer, seller, facilitator) in a process of its own, as somebody would run it. Each turn opens one on a fresh chain: anvil takes
 * twice as long for its thousandth block as for its first hundred, and then every stack would look like every other.
 */
import { median } from "./bench.ts";
import { openFloorStack } from "./floor-stack.ts";
import { openOwnStack } from "./own-stack.ts";
import { type Stack, STOCK_STACKS } from "./stacks.ts";
import { takeTurns } from "./turn-process.ts";

export interface StackTurn {
  /** Buyers at once, each of whom buys again when they have bought. */
  readonly concurrency: number;
  /** Milliseconds of which nothing counts, in which connections are opened and the caches filled. */
  readonly leadMs: number;
  /** Milliseconds that count. */
  readonly ms: number;
}

const STACKS: Readonly<Record<string, () => Promise<Stack>>> = {
  ours: openOwnStack,
  floor: openFloorStack,
  ...STOCK_STACKS,
};

const [name = ""] = process.argv.slice(2);
await takeTurns(take);
process.exit();

/** The median time of one purchase in milliseconds, or purchases a second where several are under way. */
async function take(turn: StackTurn): Promise<number> {
  await using stack = await STACKS[name]!();
  const { times, failed, why } = await buy(stack, turn);
  if (failed > 0) {
    process.stderr.write(`  ${name}: ${failed} of ${failed + times.length} failed: ${why}\n`);
  }
  return turn.concurrency === 1 ? median(times) : (times.length * 1_000) / turn.ms;
}

/** What ended after the lead: how long each purchase took, in milliseconds, and how many came to nothing. */
async function buy(stack: Stack, { concurrency, leadMs, ms }: StackTurn) {
  const times: number[] = [];
  let failed = 0;
  let why = "";
  const from = performance.now() + leadMs;
  const until = from + ms;
  const worker = async () => {
    for (let start = performance.now(); start < until; start = performance.now()) {
      const problem = await stack.buy().catch(String);
      const end = performance.now();
      if (end < from || end >= until) continue;
      if (problem === undefined) times.push(end - start);
      else {
        failed += 1;
        why = problem;
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  await stack.rest?.();
  return { times, failed, why };
}
