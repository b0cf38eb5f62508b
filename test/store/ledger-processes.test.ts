/** One book, several processes: the cap holds between them, and a process that is killed takes nothing with it. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { newLedgerPath, openBook, scope } from "./ledger-world.ts";
import { bundled } from "../support/bundled.ts";

const CHILD = await bundled(new URL("ledger-child.ts", import.meta.url));

class Spender implements Disposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly lines: string[] = [];
  readonly ended: Promise<unknown>;
  readonly #waiting = new Map<string, () => void>();

  constructor(path: string, name: string, count: number, cap: number) {
    const args = [CHILD, path, name, String(count), String(cap)];
    this.#child = spawn(process.execPath, args);
    this.ended = once(this.#child, "close");
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      this.lines.push(line);
      for (const [prefix, resolve] of this.#waiting) if (line.startsWith(prefix)) resolve();
    });
  }

  printed(prefix: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.lines.some((line) => line.startsWith(prefix))) resolve();
      else this.#waiting.set(prefix, resolve);
    });
  }

  start(): void {
    this.#child.stdin.write("go\n");
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  [Symbol.dispose](): void {
    this.kill();
  }
}

test("a cap for 10 payments, and 50 at once from two processes: exactly 10 are made", async () => {
  const path = newLedgerPath();
  (await openBook({ path })).close();
  using a = new Spender(path, "a", 25, 100);
  using b = new Spender(path, "b", 25, 100);
  await Promise.all([a.printed("ready"), b.printed("ready")]);
  a.start();
  b.start();
  await Promise.all([a.ended, b.ended]);
  const settled = [...a.lines, ...b.lines].filter((line) => line.startsWith("settled"));
  expect(settled).toHaveLength(10);
  using ledger = await openBook({ path });
  expect(await ledger.spent(scope("provider:p/c", 0n))).toEqual({ settled: 100n, reserved: 0n });
  expect(await ledger.list()).toHaveLength(10);
});

test("killed at any moment, the book is whole, and whatever was said to be settled is settled", async () => {
  for (let round = 0; round < 4; round += 1) {
    const path = newLedgerPath();
    (await openBook({ path })).close();
    using a = new Spender(path, "a", 200, 1_000);
    using b = new Spender(path, "b", 200, 1_000);
    await Promise.all([a.printed("ready"), b.printed("ready")]);
    a.start();
    b.start();
    await Promise.race([a.printed("settled"), b.printed("settled")]);
    a.kill();
    if (round % 2 === 0) b.kill();
    await Promise.all([a.ended, b.ended]);
    using ledger = await openBook({ path });
    const { settled, reserved } = await ledger.spent(scope("provider:p/c", 0n));
    expect(settled + reserved <= 1_000n).toBe(true);
    const states = new Map((await ledger.list()).map(({ purchase, state }) => [purchase, state]));
    for (const line of [...a.lines, ...b.lines]) {
      const [word, purchase = ""] = line.split(" ");
      if (word === "settled") expect(states.get(purchase)).toBe("settled");
    }
  }
});
