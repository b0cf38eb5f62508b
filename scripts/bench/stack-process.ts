/**
 * A stack (buyer, seller, facilitator) in a process of its own, as somebody would run it. In one process they all pay for each other:
 * the libraries that they share are compiled for the mixture of all, and each collects the garbage of all; the one that does least for
 * a request loses most by that.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export interface Measurement {
  /** Buyers at once. */
  readonly concurrency: number;
  /** Purchases in all. */
  readonly count: number;
}

export interface StackProcess extends AsyncDisposable {
  readonly name: string;
  /** Milliseconds a purchase where there is one buyer, otherwise purchases a second. */
  measure(wanted: Measurement): Promise<number>;
}

export async function openStackProcess(name: string): Promise<StackProcess> {
  const child = fork(join(import.meta.dirname, "stack-child.ts"), [name]);
  const ended = once(child, "exit");
  const hear = async (): Promise<unknown> => {
    const [heard] = (await Promise.race([once(child, "message"), ended])) as [unknown];
    if (child.exitCode !== null) throw new Error(`the stack ${name} ended by itself`);
    return heard;
  };
  await hear();
  return {
    name,
    async measure(wanted) {
      child.send(wanted);
      return (await hear()) as number;
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await ended;
    },
  };
}
