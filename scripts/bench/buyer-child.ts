/** A buyer in a process of its own, with all that belongs to it, who buys at one seller after the other. */
import { median } from "./bench.ts";
import { Bought, type Span } from "./bought.ts";
import { BUYERS, type Visit } from "./buyers.ts";
import type { Place } from "./seller-child.ts";
import { takeTurns } from "./turn-process.ts";

export interface StackTurn {
  /** Buyers at once, each of whom buys again when they have bought. */
  readonly concurrency: number;
  /** Milliseconds of which nothing counts, in which connections are opened and the caches filled. */
  readonly leadMs: number;
  /** What counts. */
  readonly counted: Span;
}

/** Without a place, the address that is to have tokens is asked for. */
export type BuyerTurn = { readonly place?: undefined } | (StackTurn & { readonly place: Place });

/** The median time of one purchase in milliseconds, or purchases a second where several are under way. */
export type BuyerFigure = string | number;

const [name = ""] = process.argv.slice(2);
const buyer = await BUYERS[name]!();
await takeTurns(async (turn: BuyerTurn): Promise<BuyerFigure> => {
  if (turn.place === undefined) return buyer.address;
  const visit = await buyer.visit(turn.place);
  const { times, ms = 0, failed, why } = await buy(visit, turn);
  await visit.close?.();
  if (failed > 0) {
    process.stderr.write(`  ${name}: ${failed} of ${failed + times.length} failed: ${why}\n`);
  }
  return turn.concurrency === 1 ? median(times) : (times.length * 1_000) / ms;
});
process.exit();

/** What ended after the lead, while everybody goes on buying. */
async function buy(visit: Visit, { concurrency, leadMs, counted }: StackTurn) {
  const leadEnd = performance.now() + leadMs;
  let bought: Bought | undefined;
  const worker = async () => {
    while (bought?.ms === undefined) {
      const start = performance.now();
      const problem = await visit.buy().then(() => undefined, String);
      const end = performance.now();
      if (bought) bought.add(end - start, problem);
      else if (end >= leadEnd) bought = new Bought(counted);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return bought!;
}
