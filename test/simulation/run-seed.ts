/**
 * One run: a seed's faults for a while, then quiet, then every payment must have come to its end within its window and the chain's
 * finality. The same seed is the same history, to the last line.
 */

import { BookFile } from "./book-file.ts";
import { buyEverythingAgain, tamper } from "./finale.ts";
import { Broken } from "./history.ts";
import { type Mutant, UNCHANGED, useStates } from "./mutant.ts";
import { BYTES_KEY } from "./wallet-process.ts";
import { startTrouble } from "./trouble.ts";
import { useVirtualGlobals } from "./virtual-globals.ts";
import { expect } from "./watch.ts";
import { World } from "./world.ts";

export interface SeedResult {
  readonly seed: number;
  /** What was broken, or undefined. */
  readonly broken: { readonly invariant: string; readonly problem: string } | undefined;
  readonly lines: readonly string[];
  readonly digest: string;
  readonly steps: number;
  /** How many calls ended in what way. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** After the window and finality: time for recovery to look, twice, and for questions to be answered. */
const GRACE_MS = 60_000;
/** For a call where nothing is wrong, or for a while to pass. */
const PATIENCE_MS = 300_000;
const MOST_PATIENCE_MS = 3_000_000;
const MAX_STEPS = 50_000;

let file: BookFile | undefined;

export async function runSeed(seed: number, mutant: Mutant = UNCHANGED): Promise<SeedResult> {
  file ??= new BookFile(BYTES_KEY);
  const world = new World(seed, file, mutant);
  const { history, scheduler } = world;
  const unhandled = (error: unknown) => world.fail(error);
  process.on("unhandledRejection", unhandled);
  try {
    using replaced = new DisposableStack();
    replaced.use(useVirtualGlobals(scheduler));
    replaced.use(useStates(mutant));
    for (let index = 1; index <= world.plan.processes; index += 1) world.start(`p${index}`);
    startTrouble(world);
    await runUntil(world, world.plan.startMs + world.plan.faultMs);
    quieten(world);
    // Calls that were under way may still sign something, whose window is then the last.
    await runUntil(world, scheduler.now + 30_000);
    await runUntil(world, deadline(world));
    checkEnd(world);
    const until = (done: () => boolean) => runUntilDone(world, done);
    await buyEverythingAgain({ world, until });
    await runUntil(world, deadline(world));
    checkEnd(world);
    if (seed % 5 === 0) await tamper({ world, until });
  } catch (error) {
    world.fail(error);
  } finally {
    process.off("unhandledRejection", unhandled);
    for (const actor of world.actors()) actor.alive = false;
    file.end();
  }
  const broken = world.failure === undefined ? undefined : describe(world.failure);
  if (broken) history.note("BROKEN", `${broken.invariant}: ${broken.problem}`);
  const { lines } = history;
  const { steps } = scheduler;
  return { seed, broken, lines, digest: history.digest(), steps, outcomes: world.callers.outcomes };
}

async function runUntil(world: World, endMs: number): Promise<void> {
  const { scheduler, book } = world;
  while (await scheduler.step(endMs)) {
    book.check();
    if (world.failure !== undefined) throw world.failure;
    expect("steps", scheduler.steps < MAX_STEPS, "the run does not come to an end");
  }
  scheduler.now = endMs;
}

async function runUntilDone(world: World, done: () => boolean): Promise<void> {
  const { scheduler, book } = world;
  const started = scheduler.now;
  while (!done()) {
    // What a signer counted and a book lost is waited out, and a clock that is fast has made its window long.
    const open = Math.min(deadline(world), started + MOST_PATIENCE_MS);
    const stepped = await scheduler.step(Math.max(started + PATIENCE_MS, open));
    book.check();
    if (world.failure !== undefined) throw world.failure;
    expect("I5", stepped, "a call does not come to an end");
  }
}

/** From here on nothing breaks, nobody lies, and nobody asks for anything new. */
function quieten(world: World): void {
  world.history.note("world", "is quiet");
  world.faulty = false;
  world.shop.honest = true;
  world.chain.reorgRate = 0;
  Object.assign(world.faults, { drop: 0, duplicate: 0, slow: 0, rpc: 0, signer: 0, disk: 0 });
}

/** When every payment that is open now must have ended. */
function deadline({ scheduler, plan, book }: World): number {
  const windows = book.open().map(({ valid_before }) => Number(valid_before) * 1000);
  const last = Math.max(scheduler.now + 2 * plan.timeoutMs, ...windows);
  return last + (plan.finality + 2) * plan.blockMs + GRACE_MS;
}

function checkEnd({ book, watch, plan, file }: World): void {
  const [left] = book.open();
  expect("I5", left === undefined, `${left?.nonce} of ${left?.purchase} is still ${left?.state}`);
  if (plan.rates.reorg > 0) return;
  const settled = file.ask<{ nonce: string }>("SELECT nonce FROM auth WHERE state = 'settled'");
  const inBook = new Set(settled.map(({ nonce }) => nonce));
  for (const nonce of watch.transfers.keys()) {
    expect("I7", inBook.has(nonce), `${nonce} has moved, and the book does not count it`);
  }
  expect("I7", inBook.size === watch.transfers.size, "the book counts what has not moved");
}

function describe(failure: unknown): { invariant: string; problem: string } {
  if (failure instanceof Broken) {
    return { invariant: failure.invariant, problem: failure.message };
  }
  const text = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
  return { invariant: "bug", problem: text };
}
