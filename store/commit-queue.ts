/**
 * Several callers' commands in one durable commit. A commit costs a disk sync whatever it holds, so commands that arrive
 * together share one; each is still atomic by itself (a savepoint), and none resolves before the sync.
 */
import type { Database, TransactionOptions } from "./database.ts";

interface Command {
  /** Runs the command, alone in its commit or not, and says how to answer its caller once that is durable. */
  run: (alone: boolean) => () => void;
  reject: (error: unknown) => void;
  sync: boolean;
}

/** A command that was carried out, and how its caller hears of it. */
interface Done {
  readonly command: Command;
  readonly answer: () => void;
}

/** A commit holds up everything else in this process, and the other processes' commits: so it ends after this many. */
const MAX_BATCH = 256;

export interface CommitQueueOptions {
  readonly db: Database;
  /** Runs before a commit's first command; what it throws refuses them all. */
  readonly begin?: () => void;
  /** Runs after its last, in the same transaction. */
  readonly end?: () => void;
}

export class CommitQueue {
  readonly #db: Database;
  readonly #begin: () => void;
  readonly #end: () => void;
  readonly #waiting: Command[] = [];
  /** Whether the last commit was of one command. */
  #alone = false;

  constructor({ db, begin = () => undefined, end = () => undefined }: CommitQueueOptions) {
    this.#db = db;
    this.#begin = begin;
    this.#end = end;
  }

  /** Runs `work` in a transaction; resolves when it is on disk, or, where that is not asked for, when every process sees it. */
  commit<T>(work: () => T, { sync = true }: TransactionOptions = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (alone: boolean) => {
        // One that is alone needs no savepoint: the transaction is its own.
        const result = alone ? work() : this.#db.transaction(work);
        return () => resolve(result);
      };
      this.#waiting.push({ run, reject, sync });
      if (this.#waiting.length === 1) setImmediate(() => this.#flush());
    });
  }

  /** Resolves when all that was committed is on disk. Whatever its caller does right after the call comes first. */
  async sync(): Promise<void> {
    const upTo = this.#db.moment();
    await new Promise<void>((resolve) => void setImmediate(resolve));
    await this.#sync(upTo);
  }

  /** Of those that wait for the same commits one syncs, also where each finds itself alone. */
  #sync(upTo: number): Promise<void> {
    return this.#db.sync({ alone: this.#alone && this.#waiting.length === 0, upTo });
  }

  #flush(): void {
    const batch = this.#waiting.splice(0, MAX_BATCH);
    if (this.#waiting.length > 0) setImmediate(() => this.#flush());
    const alone = batch.length === 1;
    this.#alone = alone;
    const done: Done[] = [];
    try {
      this.#db.transaction(
        () => {
          this.#begin();
          for (const command of batch) {
            try {
              done.push({ command, answer: command.run(alone) });
            } catch (error) {
              if (alone) throw error;
              command.reject(error);
            }
          }
          this.#end();
        },
        { sync: false },
      );
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    for (const { command, answer } of done) if (!command.sync) answer();
    const synced = done.filter(({ command }) => command.sync);
    if (synced.length > 0) void this.#answerSynced(synced);
  }

  /** While it waits for the disk, the next commit may be made. */
  async #answerSynced(done: readonly Done[]): Promise<void> {
    try {
      await this.#sync(this.#db.moment());
      for (const { answer } of done) answer();
    } catch (error) {
      for (const { command } of done) command.reject(error);
    }
  }
}
