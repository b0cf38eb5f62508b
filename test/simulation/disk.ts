/**
 * The disk as the processes share it. One holds the lock at a time; what it commits together is written and synced at one moment, and is
 * told to its callers later. A commit whose process dies in between is there afterwards, or is not.
 */
import { StoreError, type TransactionOptions } from "../../store/index.ts";
import type { LedgerStore } from "../../store/ledger-book.ts";
import { chainLines, startOfCommit } from "../../store/ledger-chain.ts";
import { unreadable } from "../../store/ledger-error.ts";
import type { Script } from "../../store/ledger-script.ts";
import { BookFile } from "./book-file.ts";
import type { Chance } from "./chance.ts";
import type { Actor, Scheduler } from "./scheduler.ts";

/** A command that waits for a commit: `run` says how to tell its caller of it, once it is durable. */
interface Command {
  readonly run: () => () => void;
  readonly reject: (error: unknown) => void;
  /** False where it may be forgotten until the next one that may not. */
  readonly sync: boolean;
}

export interface DiskOptions {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly file: BookFile;
  readonly faults: { disk: number };
  /** The longest that a step of a commit takes. */
  readonly ms: number;
  /** A mutant: callers hear of a commit before it is synced. */
  readonly tellsEarly: boolean;
}

export class Disk {
  readonly #options: DiskOptions;
  #holder: Actor | undefined;
  /** Carries out what its holder was about to commit. */
  #carryOut: (() => void) | undefined;

  constructor(options: DiskOptions) {
    this.#options = options;
  }

  /** A process's own view of it. */
  open(actor: Actor): LedgerStore {
    const { scheduler, file, chance, faults } = this.#options;
    const waiting: Command[] = [];
    const flush = (): void => {
      if (this.#holder) return void scheduler.schedule(1, actor, flush);
      this.#holder = actor;
      const batch = waiting.splice(0);
      this.#carryOut = () => this.#write(batch);
      scheduler.schedule(this.#latency(), actor, () => {
        this.#carryOut = undefined;
        this.#holder = undefined;
        this.#write(batch);
        if (waiting.length > 0) flush();
      });
    };
    const later = (tell: () => void) => void scheduler.schedule(this.#latency(), actor, tell);
    return {
      path: "the simulated disk",
      commit: <T>(script: () => Script<T>, { sync = true }: TransactionOptions = {}) =>
        new Promise<T>((resolve, reject) => {
          const run = () => {
            const result = file.atomically(() => file.run(script));
            return () => later(() => resolve(result));
          };
          waiting.push({ run, reject: (error) => later(() => reject(error)), sync });
          if (waiting.length === 1 && this.#holder !== actor) later(flush);
        }),
      sync: () =>
        scheduler.ask(actor, this.#latency(), this.#latency(), () => {
          if (chance.happens(faults.disk)) throw busy();
          this.#sync();
        }),
      read: (script) => scheduler.ask(actor, this.#latency(), 0, () => file.run(script)),
      explain: (error) => error,
      close: () => undefined,
    };
  }

  /** A process dies: what it was about to commit is there afterwards, or is not. */
  release(actor: Actor): void {
    if (this.#holder !== actor) return;
    this.#holder = undefined;
    if (this.#options.chance.happens(0.5)) this.#carryOut?.();
    this.#carryOut = undefined;
  }

  #latency(): number {
    return this.#options.chance.int(0, this.#options.ms);
  }

  #write(batch: readonly Command[]): void {
    const { chance, file, faults } = this.#options;
    const done: (() => void)[] = [];
    try {
      if (chance.happens(faults.disk)) throw busy();
      file.atomically(() => {
        const start = file.run(() => startOfCommit(file.seals));
        if (start.damage !== undefined) throw unreadable("the simulated disk", start.damage);
        for (const { run, reject } of batch) {
          try {
            done.push(run());
          } catch (error) {
            reject(error);
          }
        }
        file.run(() => chainLines(file.seals, start));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    file.version += 1;
    // What nobody needs on the disk is there for every process, and gone with the power.
    if (batch.some(({ sync }) => sync)) this.#sync();
    for (const tell of done) tell();
  }

  #sync(): void {
    const { scheduler, chance, file, tellsEarly } = this.#options;
    if (tellsEarly) scheduler.schedule(chance.int(1, 50), undefined, () => file.sync());
    else file.sync();
  }
}

function busy(): StoreError {
  return new StoreError("DATABASE_BUSY", {
    problem: "The simulated disk does not answer.",
    nextStep: "Try again.",
  });
}
