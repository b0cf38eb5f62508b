/** What is still held after everything that nobody can reach was collected: a heap that grows with this is a leak, and not garbage. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** In MiB. */
export function keptHeap(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // Once more for what finalizers let go of.
  collect();
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
}
