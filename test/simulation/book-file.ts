/**
 * The file that a book is kept in: a real SQLite in memory, which can forget all that was not synced. One serves run after run, because
 * everything that a run writes is inside a transaction that is rolled back in the end.
 */
import type { Secret } from "../../protocol/index.ts";
import { type Database, migrate, openDatabase } from "../../store/index.ts";
import { answer, ledgerSteps } from "../../store/ledger-schema.ts";
import { runNow, type Script, type SqlValue } from "../../store/ledger-script.ts";
import { Seals } from "../../store/ledger-seals.ts";

export class BookFile {
  /** Grows whenever the book may have changed. */
  version = 0;
  /** The state of each authorization that would survive a power failure now, by nonce. */
  durable = new Map<string, string>();
  readonly seals: Seals;
  readonly #db: Database;

  constructor(bytesKey: Secret<Uint8Array>) {
    this.seals = new Seals(bytesKey);
    this.#db = openDatabase(":memory:");
    migrate(this.#db, "ledger", ledgerSteps(this.seals));
  }

  /** An empty book, for another run. */
  begin(): void {
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

  run<T>(script: () => Script<T>): T {
    return runNow(script(), (question) => answer(this.#db, question));
  }

  /** All of it or nothing. */
  atomically<T>(work: () => T): T {
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

  /** The power goes: all that was not synced is gone. */
  forgetUnsynced(): void {
    this.#db.exec("ROLLBACK TO synced");
    this.version += 1;
  }
}
