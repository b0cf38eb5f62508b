/**
 * The rows of `auth` that this process wrote last: one that still bears the seal it was written with is what it was, and is neither read nor
 * verified again. What another process has changed since, or a rollback has undone, bears another.
 */
import { isOpen } from "./ledger-states.ts";
import type { AuthRow } from "./ledger-rows.ts";

/** More than are on their way at once. */
const MOST = 1_024;

export class WrittenRows {
  readonly #rows = new Map<string, AuthRow>();

  /** By nonce, in lower case. */
  find(nonce: string): AuthRow | undefined {
    return this.#rows.get(nonce);
  }

  /** Returns the row. */
  keep(row: AuthRow): AuthRow {
    if (!isOpen(row.state)) this.#rows.delete(row.nonce);
    else this.#rows.set(row.nonce, row);
    const [oldest] = this.#rows.size > MOST ? this.#rows.keys() : [];
    if (oldest !== undefined) this.#rows.delete(oldest);
    return row;
  }
}
