/**
 * Brings a database's write-ahead log to the disk, in Node's thread pool while the thread goes on, or here and now. Whoever asks while a
 * sync is under way shares the next one. The log is written in order, so a sync brings along whatever any process has committed before it.
 */
import { close, fdatasync, fdatasyncSync, openSync } from "node:fs";
import { promisify } from "node:util";

const syncData = promisify(fdatasync);

export class LogSync {
  readonly #path: string;
  #fd: number | undefined;
  #last: Promise<void> = Promise.resolve();
  /** One that has not begun. */
  #next: Promise<void> | undefined;
  #closed = false;
  #failure: { readonly cause: unknown } | undefined;
  /** How many syncs have begun, and which of them is the last that has ended. */
  #begun = 0;
  #ended = 0;

  /** Of a database's own path; one in memory has no log. */
  constructor(path: string) {
    this.#path = `${path}-wal`;
  }

  /** Set once a sync has failed: what was written before may be lost, and no later sync would tell. */
  get failure(): { readonly cause: unknown } | undefined {
    return this.#failure;
  }

  /** This moment, as `isOnDisk` knows it. */
  get moment(): number {
    return this.#begun;
  }

  /** Whether all that was committed before that moment is on disk: a sync that began later has ended. */
  isOnDisk(moment: number): boolean {
    return this.#ended > moment;
  }

  /** Resolves when all that was committed before the call is on disk. */
  sync(): Promise<void> {
    this.#next ??= this.#last = this.#last.then(async () => {
      this.#next = undefined;
      try {
        const fd = this.#open();
        const which = (this.#begun += 1);
        await syncData(fd);
        this.#end(which);
      } catch (cause) {
        throw this.#fail(cause);
      }
    });
    return this.#next;
  }

  /** The same, and the thread waits: without the way to another thread and back it is over sooner. */
  syncNow(): void {
    try {
      const fd = this.#open();
      const which = (this.#begun += 1);
      fdatasyncSync(fd);
      this.#end(which);
    } catch (cause) {
      throw this.#fail(cause);
    }
  }

  /** One in the pool may end after another that began later. */
  #end(which: number): void {
    this.#ended = Math.max(this.#ended, which);
  }

  #fail(cause: unknown): unknown {
    this.#failure ??= { cause };
    return cause;
  }

  /** The log is there from the first commit on, and as long as the database is open. */
  #open(): number {
    if (this.#failure) throw this.#failure.cause;
    if (this.#closed) throw new Error("the database is closed");
    return (this.#fd ??= openSync(this.#path, "r+"));
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    this.#closed = true;
    if (fd === undefined) return;
    const end = () => close(fd);
    this.#last.then(end, end);
  }
}
