/**
 * A disk that forgets what was not synced, under a real SQLite in memory. A commit takes the lock, is written and synced at one
 * moment, and is told to its caller later; one whose process dies in between is there afterwards or is not.
 */
import type { Secret } from "../../protocol/index.ts";
import { type Database, migrate, openDatabase, StoreError } from "../../store/index.ts";
import { chainLines, findUnchained } from "../../store/ledger-chain.ts";
import { unreadable } from "../../store/ledger-error.ts";
import type { LedgerStore } from "../../store/ledger-book.ts";
import { answer, ledgerSteps } from "../../store/ledger-schema.ts";
import { runNow, type Script, type SqlValue } from "../../store/ledger-script.ts";
import { Seals } from "../../store/ledger-seals.ts";
import type { Chance } from "./chance.ts";
import type { Actor, Scheduler } from "./scheduler.ts";

interface Command {
  readonly run: () => () => void;
  readonly reject: (error: unknown) => void;
}

export interface DiskFaults {
  /** Of a commit to fail. */
  failure: number;
  /** The longest that it takes. */
  ms: number;
  /** A mutant: callers hear of a commit before it is synced. */
  tellsEarly: boolean;
}

export class Disk {
  readonly faults: DiskFaults = { failure: 0, ms: 0, tellsEarly: false };
  /** Grows whenever the book may have changed. */
  version = 0;
  /** The state of each authorization that would survive a power failure now, by nonce. */
  durable = new Map<string, string>();
  readonly seals: Seals;
  readonly #db: Database;
  #scheduler!: Scheduler;
  #chance!: Chance;
  #holder: Actor | undefined;
  /** Carries out what its holder was about to commit. */
  #carryOut: (() => void) | undefined;

  constructor(bytesKey: Secret<Uint8Array>) {
    this.seals = new Seals(bytesKey);
    this.#db = openDatabase(":memory:");
    migrate(this.#db, "ledger", ledgerSteps(this.seals));
  }

  /** An empty book, for another run. */
  begin(scheduler: Scheduler, chance: Chance): void {
    this.#scheduler = scheduler;
    this.#chance = chance;
    this.#holder = undefined;
    this.version = 0;
    this.durable = new Map();
    this.#db.exec("BEGIN; SAVEPOINT synced");
  }

  end(): void {
    this.#db.exec("ROLLBACK");
  }

  ask<Row extends object>(sql: string, ...values: SqlValue[]): Row[] {
    return answer(this.#db, { sql, values }) as Row[];
  }

  /** A process's own view of it. */
  open(actor: Actor): LedgerStore {
    const waiting: Command[] = [];
    const latency = () => this.#chance.int(0, this.faults.ms);
    const flush = (): void => {
      if (this.#holder) return void this.#scheduler.schedule(1, actor, flush);
      this.#holder = actor;
      const batch = waiting.splice(0);
      this.#carryOut = () => this.#write(batch);
      this.#scheduler.schedule(latency(), actor, () => {
        this.#carryOut = undefined;
        this.#holder = undefined;
        this.#write(batch);
        if (waiting.length > 0) flush();
      });
    };
    return {
      path: "the simulated disk",
      commit: <T>(script: () => Script<T>) =>
        new Promise<T>((resolve, reject) => {
          const run = () => {
            const result = this.#atomically(() => this.run(script));
            return () => this.#scheduler.schedule(latency(), actor, () => resolve(result));
          };
          const later = (error: unknown) =>
            this.#scheduler.schedule(latency(), actor, () => reject(error));
          waiting.push({ run, reject: later });
          if (waiting.length === 1 && this.#holder !== actor) {
            this.#scheduler.schedule(latency(), actor, flush);
          }
        }),
      read: (script) => this.#scheduler.ask(actor, latency(), 0, () => this.run(script)),
      explain: (error) => error,
      close: () => undefined,
    };
  }

  /** A process dies: what it was about to commit is there afterwards, or is not. */
  release(actor: Actor): void {
    if (this.#holder !== actor) return;
    this.#holder = undefined;
    if (this.#chance.happens(0.5)) this.#carryOut?.();
    this.#carryOut = undefined;
  }

  /** The power goes: all that was not synced is gone. */
  forgetUnsynced(): void {
    this.#db.exec("ROLLBACK TO synced");
    this.version += 1;
  }

  run<T>(script: () => Script<T>): T {
    return runNow(script(), (question) => answer(this.#db, question));
  }

  #write(batch: readonly Command[]): void {
    const done: (() => void)[] = [];
    try {
      if (this.#chance.happens(this.faults.failure)) throw busy();
      this.#atomically(() => {
        const damage = this.run(() => findUnchained(this.seals));
        if (damage !== undefined) throw unreadable("the simulated disk", damage);
        for (const { run, reject } of batch) {
          try {
            done.push(run());
          } catch (error) {
            reject(error);
          }
        }
        this.run(() => chainLines(this.seals));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    this.version += 1;
    if (this.faults.tellsEarly) {
      this.#scheduler.schedule(this.#chance.int(1, 50), undefined, () => this.sync());
    } else {
      this.sync();
    }
    for (const tell of done) tell();
  }

  /** What was written is on the disk from here on. */
  sync(): void {
    this.version += 1;
    this.#db.exec("RELEASE synced; SAVEPOINT synced");
    const rows = this.ask<{ nonce: string; state: string; proof: string | null }>(
      "SELECT nonce, state, proof FROM auth",
    );
    this.durable = new Map(
      rows.map(({ nonce, state, proof }) => [nonce, proof === null ? state : `${state} ${proof}`]),
    );
  }

  #atomically<T>(work: () => T): T {
    this.#db.exec("SAVEPOINT command");
    try {
      const result = work();
      this.#db.exec("RELEASE command");
      return result;
    } catch (error) {
      this.#db.exec("ROLLBACK TO command; RELEASE command");
      throw error;
    }
  }
}

function busy(): StoreError {
  return new StoreError("DATABASE_BUSY", {
    problem: "The simulated disk does not answer.",
    nextStep: "Try again.",
  });
}
