/**
 * One stack in a process of its own: opens it, says so, and measures it as often as it is told to, until it is let go of. See
 * `stack-process.ts`.
 */
import { once } from "node:events";
import { median } from "./bench.ts";
import { openFloorStack } from "./floor-stack.ts";
import { openOwnStack } from "./own-stack.ts";
import type { Measurement } from "./stack-process.ts";
import { type Stack, STOCK_STACKS } from "./stacks.ts";

const STACKS: Readonly<Record<string, () => Promise<Stack>>> = {
  ours: openOwnStack,
  floor: openFloorStack,
  ...STOCK_STACKS,
};

const [name = ""] = process.argv.slice(2);
const stack = await STACKS[name]!();
const gone = once(process, "disconnect");
process.on("message", (wanted: Measurement) => {
  void measure(wanted).then((figure) => process.send?.(figure));
});
process.send?.("open");
await gone;
await stack[Symbol.asyncDispose]();
process.exit();

/** The median time of one request in milliseconds, or requests per second where several are under way. */
async function measure({ concurrency, count }: Measurement): Promise<number> {
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
